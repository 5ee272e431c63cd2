//! Sees to it that functions do not outlive a server that is killed.
//!
//! A small shell process holds one end of a pipe and the list of process groups. When the
//! server dies, however it dies, the kernel closes the other end; the shell then kills what is
//! on the list. Where there is no `sh`, functions end by themselves at their next request,
//! because nobody listens at the address of their Runtime API any more.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Lines are `add <group>` and `remove <group>`; the end of the input means that all groups on
/// the list must go. Signals from a terminal are not for the guardian.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=' '
while read -r verb group; do
    case $verb in
        add) groups="$groups$group " ;;
        remove) groups="${groups%%" $group "*} ${groups#*" $group "}" ;;
    esac
done
for group in $groups; do
    kill -KILL "-$group"
done
"#;

/// The handle of the shell process.
#[derive(Default)]
pub(super) struct Guardian {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    NotStarted,
    Running {
        child: Child,
        orders: ChildStdin,
    },
    Absent,
}

impl Guardian {
    /// Puts a process group on the list.
    pub(super) fn add(&mut self, group: u32) {
        if matches!(self.state, State::NotStarted) {
            self.state = start();
        }
        self.order("add", group);
    }

    /// Takes a process group from the list; it must be on it.
    pub(super) fn remove(&mut self, group: u32) {
        self.order("remove", group);
    }

    fn order(&mut self, verb: &str, group: u32) {
        let State::Running { orders, .. } = &mut self.state else { return };
        if let Err(error) = writeln!(orders, "{verb} {group}") {
            tracing::warn!(%error, "lost the process that ends functions if this one is killed");
            self.stop();
        }
    }

    /// Ends the shell process, and with it whatever is still on its list.
    pub(super) fn stop(&mut self) {
        if let State::Running { mut child, orders } =
            std::mem::replace(&mut self.state, State::Absent)
        {
            drop(orders);
            // It only kills and ends; an error means that it is gone already.
            let _ = child.wait();
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start() -> State {
    use std::os::unix::process::CommandExt;

    let spawned = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "stepwell-guardian"])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    match spawned {
        Ok(mut child) => {
            let orders = child.stdin.take().expect("its input was asked to be a pipe");
            State::Running { child, orders }
        }
        Err(error) => {
            tracing::debug!(%error, "no /bin/sh: functions are not ended if this process is killed");
            State::Absent
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("1000").process_group(0).spawn().unwrap()
    }

    #[test]
    fn only_groups_on_the_list_are_killed() {
        use std::os::unix::process::ExitStatusExt;

        let [mut kept, mut first, mut second] = [sleeper(), sleeper(), sleeper()];
        let mut guardian = Guardian::default();
        for child in [&first, &kept, &second] {
            guardian.add(child.id());
        }
        guardian.remove(kept.id());
        guardian.stop();
        assert_eq!(first.wait().unwrap().signal(), Some(9));
        assert_eq!(second.wait().unwrap().signal(), Some(9));
        assert_eq!(kept.try_wait().unwrap(), None);
        kept.kill().unwrap();
        kept.wait().unwrap();
    }
}
