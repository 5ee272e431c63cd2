//! The compatibility page says of every operation what the API's own table says.

#[test]
fn every_operation_has_its_row() {
    let page = include_str!("../../../../docs/compatibility.md");
    let (_, table) = page.split_once("## API operations").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<(&str, bool)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let name = cells.next()?;
            name.starts_with(char::is_uppercase)
                .then(|| (name, !cells.next().unwrap_or_default().starts_with("missing")))
        })
        .collect();
    assert_eq!(rows, api::operations().collect::<Vec<_>>());
}
