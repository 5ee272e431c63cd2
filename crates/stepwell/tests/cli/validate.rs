//! `stepwell validate`.

use expect_test::expect;

use crate::Folder;

#[test]
fn a_file_that_is_not_there() {
    Folder::with(&[]).check(
        &["validate", "missing.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: cannot read missing.asl.json: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn a_file_that_is_not_text() {
    let folder = Folder::with(&[]);
    std::fs::write(folder.path().join("a.asl.json"), b"{\xff}").unwrap();
    folder.check(
        &["validate", "a.asl.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: a.asl.json is not UTF-8 text: invalid byte at offset 1
    "#]],
    );
}
