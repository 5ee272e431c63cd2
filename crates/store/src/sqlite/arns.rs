//! How ARNs are kept: parts that repeat, once in a table of their own.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result};

/// The longest part that is worth an entry in the table of parts.
const PART_BYTES_MAX: usize = 600;
/// The most parts the writer remembers.
const REMEMBERED_MAX: usize = 50_000;

/// The writer's memory of the table of parts.
#[derive(Default)]
pub(super) struct Interned {
    ids: HashMap<Box<str>, i64>,
}

impl Interned {
    /// The number of a part; the part is added where it is new.
    pub(super) fn id(&mut self, connection: &Connection, part: &str) -> Result<i64> {
        if let Some(id) = self.ids.get(part) {
            return Ok(*id);
        }
        let id = match find(connection, part)? {
            Some(id) => id,
            None => {
                let mut insert = connection.prepare_cached("INSERT INTO arns (arn) VALUES (?1)")?;
                insert.insert([part])?
            }
        };
        if self.ids.len() >= REMEMBERED_MAX {
            self.ids.clear();
        }
        self.ids.insert(part.into(), id);
        Ok(id)
    }

    /// Forgets everything: parts of a transaction that did not commit have no numbers.
    pub(super) fn clear(&mut self) {
        self.ids.clear();
    }
}

/// The number of a part that is known.
pub(super) fn find(connection: &Connection, part: &str) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT id FROM arns WHERE arn = ?1")?;
    select.query_row([part], |row| row.get(0)).optional()
}

/// An execution's ARN taken apart around its name: what stands before, up to a colon, repeats
/// with every execution of the state machine; what follows is empty or starts with a colon.
/// `None` where it has no such shape.
pub(super) fn split<'a>(arn: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    if name.is_empty() {
        return None;
    }
    let mut places = arn.match_indices(name).map(|(at, _)| at);
    let at = places.find(|&at| {
        let rest = &arn[at + name.len()..];
        arn[..at].ends_with(':') && (rest.is_empty() || rest.starts_with(':'))
    })?;
    (at <= PART_BYTES_MAX).then(|| (&arn[..at], &arn[at + name.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_taken_apart_around_the_name() {
        let check = |arn: &str, name: &str, expected: Option<(&str, &str)>| {
            assert_eq!(split(arn, name), expected, "{arn} {name}");
        };
        check("arn:x:execution:m:n", "n", Some(("arn:x:execution:m:", "")));
        check("arn:x:express:m:n:uuid", "n", Some(("arn:x:express:m:", ":uuid")));
        check(
            "arn:x:execution:execution:execution",
            "execution",
            Some(("arn:x:", ":execution:execution")),
        );
        check("arn:x:execution:m:mm", "m", Some(("arn:x:execution:", ":mm")));
        check("arn:x:execution:m:n", "x:e", None);
        check("arn:x:execution:m:n", "", None);
        check("n", "n", None);
    }
}
