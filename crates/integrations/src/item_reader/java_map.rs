//! The order in which Java's `HashMap` gives its entries. AWS keeps the row of a CSV file in such
//! a map, so the members of an item come in this order, and results show it.

use serde_json::{Map, Value};

/// Positions of these keys, which are all different, in the order of the map.
pub(super) fn order(keys: &[impl AsRef<str>]) -> Vec<usize> {
    // A map begins with 16 places and doubles them when it is more than three quarters full.
    let mut places = 16_usize;
    while keys.len() * 4 > places * 3 {
        places *= 2;
    }
    let mut order: Vec<usize> = (0..keys.len()).collect();
    // Keys of one place stay in the order in which they came.
    order.sort_by_key(|at| {
        let hash = hash(keys[*at].as_ref());
        (hash ^ (hash >> 16)) as usize & (places - 1)
    });
    order
}

/// `String.hashCode`
fn hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(unit.into()))
}

/// An object with these members, in the order given.
pub(super) fn object<'k>(members: impl Iterator<Item = (&'k str, String)>) -> String {
    let members: Map<String, Value> =
        members.map(|(key, value)| (key.to_owned(), Value::String(value))).collect();
    asl::json_text(&Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_recorded_items() {
        let check = |keys: &[&str], expected: &[&str]| {
            let ordered: Vec<&str> = order(keys).into_iter().map(|at| keys[at]).collect();
            assert_eq!(ordered, expected);
        };
        check(&["H1", ""], &["", "H1"]);
        check(&["Col1", "Col2", "Col3"], &["Col1", "Col2", "Col3"]);
        // From the examples of the developer guide.
        check(
            &["userId", "movieId", "rating", "timestamp"],
            &["rating", "movieId", "userId", "timestamp"],
        );
        check(
            &["Bucket", "Key", "Size", "LastModifiedDate"],
            &["LastModifiedDate", "Bucket", "Size", "Key"],
        );
        check(
            &["MyLetters", "MyNumbers", "MyString", "MyObject", "MyArray"],
            &["MyNumbers", "MyObject", "MyString", "MyLetters", "MyArray"],
        );
    }
}
