//! Worlds of many seeds. `STEPWELL_SIM_SEEDS=from..to` chooses them, so one failing seed replays
//! with `STEPWELL_SIM_SEEDS=17..18 cargo test -p sim --test seeds`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim::Summary;

/// Seeds that failed once run for ever.
const FAILED_ONCE: &str = include_str!("../../../testdata/seeds.txt");

fn seeds() -> Vec<u64> {
    let number = |text: &str| text.trim().parse().expect("a seed is a number");
    if let Ok(range) = std::env::var("STEPWELL_SIM_SEEDS") {
        let (from, to) = range.split_once("..").expect("seeds are given as FROM..TO");
        return (number(from)..number(to)).collect();
    }
    let failed_once = FAILED_ONCE.lines().filter(|line| !line.starts_with('#')).map(number);
    failed_once.chain(0..300).collect()
}

#[test]
fn every_world_keeps_its_promises() {
    let mut total = Summary::default();
    let mut failed = Vec::new();
    for seed in seeds() {
        match catch_unwind(AssertUnwindSafe(|| sim::run(seed))) {
            Ok(summary) => {
                total.executions += summary.executions;
                total.succeeded += summary.succeeded;
                total.redrives += summary.redrives;
                total.children += summary.children;
                total.map_run_children += summary.map_run_children;
                total.map_run_redrives += summary.map_run_redrives;
                total.crashes += summary.crashes;
                total.store_faults += summary.store_faults;
                total.task_faults += summary.task_faults;
                total.events += summary.events;
            }
            Err(_) => {
                println!("STEPWELL_SIM_SEEDS={seed}..{} cargo test -p sim --test seeds", seed + 1);
                failed.push(seed);
            }
        }
    }
    println!("{total:?}");
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    if std::env::var_os("STEPWELL_SIM_SEEDS").is_none() {
        // The worlds would prove nothing if nothing went wrong in them.
        assert!(total.crashes > 100 && total.store_faults > 100 && total.task_faults > 100);
        assert!(total.redrives > 100);
        assert!(total.children > 100);
        assert!(total.map_run_children > 100);
        assert!(total.map_run_redrives > 30);
        assert!(total.succeeded > 100 && total.succeeded < total.executions);
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [3, 14, 15] {
        assert_eq!(sim::run(seed), sim::run(seed));
    }
}
