//! What came of test cases: a table for people, JUnit XML for build servers.

use std::fmt::Write as _;

use crate::style::{Style, Tone, duration};

use super::{Outcome, SuiteOutcome};

/// The lines about one state machine.
pub(crate) fn show_machine(outcome: &SuiteOutcome<'_>, style: Style) -> String {
    let suite = outcome.suite;
    let path = style.paint(Tone::Dim, &suite.path.display().to_string());
    let mut shown = format!("{}  {path}\n", style.paint(Tone::Name, &suite.name));
    let rows: Vec<[String; 5]> = outcome.outcomes.iter().map(row).collect();
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    for (outcome, row) in outcome.outcomes.iter().zip(&rows) {
        let (mark, tone) = if outcome.passed() { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
        let line = format!(
            "  {} {:<name$}  {:<status$}  {:>ms$}  {:>transitions$}  {}",
            style.paint(tone, mark),
            row[0],
            row[1],
            row[2],
            row[3],
            row[4],
            name = widths[0],
            status = widths[1],
            ms = widths[2],
            transitions = widths[3],
        );
        shown.push_str(line.trim_end());
        shown.push('\n');
        for failure in &outcome.failures {
            for line in failure.lines() {
                let tone = match line.as_bytes().first() {
                    Some(b'-') => Tone::Bad,
                    Some(b'+') => Tone::Good,
                    _ => Tone::Plain,
                };
                // Writing to a String cannot fail.
                let _ = writeln!(shown, "      {}", style.paint(tone, line));
            }
        }
    }
    let reached = outcome.coverage.of(&suite.program);
    if !reached.missed.is_empty() {
        shown.push_str(&style.paint(Tone::Waiting, "  not reached by any case:\n"));
        for missed in &reached.missed {
            let _ = writeln!(shown, "    {missed}");
        }
    }
    shown
}

fn row(outcome: &Outcome) -> [String; 5] {
    let took = format!("{} ms", outcome.took.as_millis());
    let Some(observed) = &outcome.observed else {
        return [outcome.case.clone(), "–".to_owned(), took, String::new(), String::new()];
    };
    let transitions = observed.transitions;
    let plural = if transitions == 1 { "" } else { "s" };
    [
        outcome.case.clone(),
        observed.status.to_owned(),
        took,
        format!("{transitions} transition{plural}"),
        // What was skipped.
        match observed.milliseconds {
            0 => String::new(),
            milliseconds => format!("after {}", duration(milliseconds)),
        },
    ]
}

/// The last line.
pub(crate) fn summary(outcomes: &[SuiteOutcome<'_>], style: Style) -> String {
    let cases = || outcomes.iter().flat_map(|outcome| &outcome.outcomes);
    let failed = cases().filter(|case| !case.passed()).count();
    let passed = cases().count() - failed;
    let reached: Vec<_> =
        outcomes.iter().map(|outcome| outcome.coverage.of(&outcome.suite.program)).collect();
    let sum = |of: fn(&super::coverage::Reached) -> usize| reached.iter().map(of).sum::<usize>();
    let tone = if failed == 0 { Tone::Good } else { Tone::Bad };
    format!(
        "{}; reached {} of {} states, {} of {} branches",
        style.paint(tone, &format!("{passed} passed, {failed} failed")),
        sum(|reached| reached.states),
        sum(|reached| reached.states_total),
        sum(|reached| reached.ways),
        sum(|reached| reached.ways_total),
    )
}

/// The outcomes as JUnit XML.
pub(crate) fn junit(outcomes: &[SuiteOutcome<'_>]) -> String {
    let all = outcomes.iter().flat_map(|outcome| &outcome.outcomes);
    let (tests, failures, seconds) = totals(all);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        xml,
        "<testsuites name=\"stepwell\" tests=\"{tests}\" failures=\"{failures}\" time=\"{seconds:.3}\">"
    );
    for outcome in outcomes {
        let name = escape(&outcome.suite.name);
        let (tests, failures, seconds) = totals(outcome.outcomes.iter());
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" file=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{seconds:.3}\">",
            escape(&outcome.suite.path.display().to_string())
        );
        for case in &outcome.outcomes {
            let seconds = case.took.as_secs_f64();
            let case_name = escape(&case.case);
            let _ = write!(
                xml,
                "    <testcase classname=\"{name}\" name=\"{case_name}\" time=\"{seconds:.3}\""
            );
            if case.passed() {
                xml.push_str("/>\n");
                continue;
            }
            let first = case.failures[0].lines().next().unwrap_or_default();
            let _ = writeln!(
                xml,
                ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                escape(first),
                escape(&case.failures.join("\n"))
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn totals<'o>(outcomes: impl Iterator<Item = &'o Outcome>) -> (usize, usize, f64) {
    outcomes.fold((0, 0, 0.0), |(tests, failures, seconds), outcome| {
        let failed = usize::from(!outcome.passed());
        (tests + 1, failures + failed, seconds + outcome.took.as_secs_f64())
    })
}

/// A text as it may stand in XML 1.0, which has no place for most control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_lacks_is_replaced() {
        assert_eq!(escape("<a b=\"c\">&\u{0}\n"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}&#10;");
    }
}
