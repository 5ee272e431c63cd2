//! Colours for a terminal, plain text for everything else.

use std::io::IsTerminal;

/// Whether and how text is painted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

/// What a piece of text means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// Background: times, details.
    Dim,
    Name,
    Good,
    Bad,
    Waiting,
    /// One of several that tell executions apart.
    Series(u8),
}

const SERIES: [&str; 6] = ["36", "35", "34", "33", "32", "96"];

impl Style {
    /// Never painted.
    #[cfg(test)]
    pub(crate) const PLAIN: Style = Style { colour: false };

    /// Painted where a person looks at a terminal that did not refuse colour (`NO_COLOR`).
    pub(crate) fn of(stream: &impl IsTerminal) -> Style {
        let refused = crate::config::environment("NO_COLOR").is_some()
            || crate::config::environment("TERM").is_some_and(|terminal| terminal == "dumb");
        let forced = crate::config::environment("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        Style { colour: forced || (stream.is_terminal() && !refused) }
    }

    /// The text, painted.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Dim => "2",
            Tone::Name => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Waiting => "33",
            Tone::Series(number) => SERIES[usize::from(number) % SERIES.len()],
        };
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A duration in milliseconds as a person reads it: `7 ms`, `1.25 s`, `3 min 20 s`, `2 h 5 min`,
/// `4 d 3 h`.
pub(crate) fn duration(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => {
            // Three digits are enough.
            let text = &format!("{seconds}.{:03}", milliseconds % 1000)[..4];
            format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
        }
        60..3600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn pair(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn durations() {
        let shown: Vec<String> = [
            -5,
            0,
            7,
            999,
            1000,
            1250,
            1999,
            9999,
            10_000,
            12_345,
            59_999,
            60_000,
            200_000,
            3_600_000,
            7_500_000,
            86_400_000,
            356_400_000,
        ]
        .iter()
        .map(|milliseconds| duration(*milliseconds))
        .collect();
        expect![[r#"
            0 ms
            0 ms
            7 ms
            999 ms
            1 s
            1.25 s
            1.99 s
            9.99 s
            10 s
            12.3 s
            59.9 s
            1 min
            3 min 20 s
            1 h
            2 h 5 min
            1 d
            4 d 3 h"#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn plain_text_stays_plain() {
        assert_eq!(Style::PLAIN.paint(Tone::Bad, "x"), "x");
        assert_eq!(Style { colour: true }.paint(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
