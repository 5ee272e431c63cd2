//! The rules that the requests of several operations share.

use crate::constraints::{DEFINITION_CHARACTERS_MAX, Kind};

/// An ARN.
pub(crate) const ARN: Kind = Kind::text(1, 256);
/// The ARN of a Map Run, which may be long.
pub(crate) const LONG_ARN: Kind = Kind::text(1, 2000);
/// `type` of a state machine.
pub(crate) const STATE_MACHINE_TYPE: Kind = Kind::one_of(&["STANDARD", "EXPRESS"]);
/// `includedData`: whether inputs, outputs and definitions are wanted.
pub(crate) const INCLUDED_DATA: Kind = Kind::one_of(&["ALL_DATA", METADATA_ONLY]);
/// The value of `includedData` that leaves them out.
pub(crate) const METADATA_ONLY: &str = "METADATA_ONLY";
/// `definition`, at most 1 MB.
pub(crate) const DEFINITION: Kind = Kind::sensitive(1, DEFINITION_CHARACTERS_MAX);
/// `versionDescription`.
pub(crate) const VERSION_DESCRIPTION: Kind = Kind::sensitive(0, 256);
/// `description` of an alias.
pub(crate) const ALIAS_DESCRIPTION: Kind = Kind::sensitive(0, 256);
/// `error` of a task or an execution.
pub(crate) const ERROR: Kind = Kind::sensitive(0, 256);
/// `cause` of an error.
pub(crate) const CAUSE: Kind = Kind::sensitive(0, 32_768);
/// `taskToken`; a credential, so that errors do not repeat it.
pub(crate) const TASK_TOKEN: Kind = Kind::sensitive(1, 2048);
/// `maxResults`; 0 means the default.
pub(crate) const MAX_RESULTS: Kind = Kind::Integer { min: 0, max: 1000 };
/// `nextToken`.
pub(crate) const NEXT_TOKEN: Kind = Kind::text(1, 1024);

/// Items of a page where the request says nothing (AWS's default).
const PAGE_ITEMS: usize = 100;

/// The items of a page that `maxResults` asks for.
pub(crate) fn page_items(max_results: Option<i64>) -> usize {
    let asked = max_results.and_then(|asked| usize::try_from(asked).ok());
    asked.filter(|asked| *asked > 0).unwrap_or(PAGE_ITEMS)
}
