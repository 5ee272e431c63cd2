//! Search among executions that the store has. There is no index beside those of lists: newest
//! first, a request looks at so many rows and journals, and says where the next one goes on.

use asl::Timestamp;
use engine::{Event, EventKind, Status, decode_turn};
use store::{ExecutionKey, ExecutionQuery, ExecutionRow, ExecutionsOf, ListPlace, Store};

use crate::definitions::{Definitions, LoadError};
use crate::query;
use crate::status::status_code;
use crate::{ExecutionSummary, RuntimeError, arns, load};

/// Rows that one request looks at.
const ROWS_MAX: usize = 2_000;
/// Rows read at once.
const ROWS_PAGE: usize = 200;
/// Bytes of journals that one request reads, about.
const JOURNAL_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What executions are looked for. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExecutionSearch {
    /// Twelve digits.
    pub account: Option<String>,
    /// Without version or alias.
    pub state_machine_arn: Option<String>,
    pub name_prefix: Option<String>,
    pub status: Option<Status>,
    /// Started at this moment or later; before this moment.
    pub started: (Option<Timestamp>, Option<Timestamp>),
    /// Ended at this moment or later; before this moment.
    pub ended: (Option<Timestamp>, Option<Timestamp>),
    /// The error it ended with.
    pub error: Option<String>,
    /// A state that was entered.
    pub state: Option<String>,
    /// A part of the text of its input or output.
    pub text: Option<String>,
    /// Go on behind this place of an earlier answer.
    pub after: Option<ListPlace>,
    pub limit: usize,
}

/// What was found so far.
#[derive(Debug)]
pub struct SearchPage {
    pub executions: Vec<ExecutionSummary>,
    /// Where to go on; none where everything was looked at. There may be one though nothing was
    /// found.
    pub next: Option<ListPlace>,
}

/// Looks for executions. May block.
pub(crate) fn search(
    store: &dyn Store,
    definitions: &Definitions,
    search: &ExecutionSearch,
) -> Result<SearchPage, RuntimeError> {
    let mut page = SearchPage { executions: Vec::new(), next: None };
    let (mut rows_left, mut bytes_left) = (ROWS_MAX, JOURNAL_BYTES_MAX);
    let mut place = match search.after {
        Some(place) => Some(place),
        None => first_place(store, search)?,
    };
    loop {
        let wanted = ROWS_PAGE.min(rows_left);
        let rows = next_rows(store, search, place, wanted)?;
        let is_last = rows.len() < wanted;
        for row in rows {
            if is_past(&row, search) {
                return Ok(page);
            }
            let next = row.place();
            rows_left -= 1;
            if row_fits(&row, search)
                && (!search.looks_inside()
                    || journal_fits(store, definitions, &row, search, &mut bytes_left)?)
            {
                page.executions.push(query::summary(row)?);
            }
            place = Some(next);
            if page.executions.len() == search.limit || rows_left == 0 || bytes_left == 0 {
                page.next = place;
                return Ok(page);
            }
        }
        if is_last {
            return Ok(page);
        }
    }
}

impl ExecutionSearch {
    /// Whether the row does not say enough.
    fn looks_inside(&self) -> bool {
        self.error.is_some() || self.state.is_some() || self.text.is_some()
    }
}

/// Rows behind a place: of a state machine by an index of lists, of all by their keys, which
/// rise with the starts.
fn next_rows(
    store: &dyn Store,
    search: &ExecutionSearch,
    after: Option<ListPlace>,
    limit: usize,
) -> Result<Vec<ExecutionRow>, RuntimeError> {
    Ok(match &search.state_machine_arn {
        Some(arn) => store.list_executions(&ExecutionQuery {
            of: ExecutionsOf::StateMachine(arn.clone()),
            status: search.status.map(status_code),
            after,
            limit,
        })?,
        None => {
            let before = after.map_or(ExecutionKey(i64::MAX.unsigned_abs()), |place| place.key);
            store.executions_before(before, limit)?
        }
    })
}

/// Where a search among all begins that wants starts before some moment: found by halving.
fn first_place(
    store: &dyn Store,
    search: &ExecutionSearch,
) -> Result<Option<ListPlace>, RuntimeError> {
    let (None, Some(before)) = (&search.state_machine_arn, search.started.1) else {
        return Ok(None);
    };
    let (mut low, mut high) = (0, store.highest_key()?.0 + 1);
    // Everything below `low` started before that moment, nothing from `high` on.
    while low < high {
        let middle = low + (high - low) / 2;
        let found = store.executions_before(ExecutionKey(middle + 1), 1)?;
        match found.first() {
            Some(row) if row.new.start_date >= before.0 => high = row.key.0,
            _ => low = middle + 1,
        }
    }
    Ok(Some(ListPlace { moment: 0, key: ExecutionKey(high) }))
}

/// Whether everything from here on is out of the question.
fn is_past(row: &ExecutionRow, search: &ExecutionSearch) -> bool {
    match (&search.state_machine_arn, search.started.0) {
        (None, Some(from)) => row.new.start_date < from.0,
        _ => false,
    }
}

fn row_fits(row: &ExecutionRow, search: &ExecutionSearch) -> bool {
    let within = |moment: i64, (from, until): (Option<Timestamp>, Option<Timestamp>)| {
        from.is_none_or(|from| moment >= from.0) && until.is_none_or(|until| moment < until.0)
    };
    let wants_end = search.ended.0.is_some() || search.ended.1.is_some();
    let failed = || {
        [Status::Failed, Status::TimedOut, Status::Aborted]
            .iter()
            .any(|status| status_code(*status) == row.state.status)
    };
    search.account.as_ref().is_none_or(|account| arns::account(&row.new.arn) == account)
        && search
            .name_prefix
            .as_ref()
            .is_none_or(|prefix| row.new.name.starts_with(prefix.as_str()))
        && search.status.is_none_or(|status| status_code(status) == row.state.status)
        && within(row.new.start_date, search.started)
        && (!wants_end || row.state.stop_date.is_some_and(|stop| within(stop, search.ended)))
        && (search.error.is_none() || failed())
}

/// Whether the journal holds what is looked for.
fn journal_fits(
    store: &dyn Store,
    definitions: &Definitions,
    row: &ExecutionRow,
    search: &ExecutionSearch,
    bytes_left: &mut usize,
) -> Result<bool, RuntimeError> {
    let journal = store.journal(row.key)?;
    let bytes: usize = journal.iter().map(Vec::len).sum();
    *bytes_left = bytes_left.saturating_sub(bytes);
    let mut events: Vec<Event> = Vec::new();
    for turn in &journal {
        events.extend(decode_turn(turn).map_err(|error| {
            let arn = &row.new.arn;
            LoadError::Damaged(format!("a turn of the execution {arn} cannot be read: {error}"))
        })?);
    }
    if let Some(wanted) = &search.error
        && !events.iter().any(|event| ended_with(event, wanted))
    {
        return Ok(false);
    }
    if let Some(wanted) = &search.text
        && !events.iter().any(|event| says(event, wanted))
    {
        return Ok(false);
    }
    let Some(wanted) = &search.state else { return Ok(true) };
    let (_, header) = load::identity(row)?;
    let definition = definitions.load(store, header.definition)?;
    Ok(events.iter().any(|event| match &event.kind {
        EventKind::StateEntered { state, .. } => *definition.program.state(*state).name == **wanted,
        _ => false,
    }))
}

fn ended_with(event: &Event, wanted: &str) -> bool {
    match &event.kind {
        EventKind::ExecutionFailed { error, .. }
        | EventKind::ExecutionAborted { error, .. }
        | EventKind::ExecutionTimedOut { error, .. } => error.as_deref() == Some(wanted),
        _ => false,
    }
}

/// Whether the execution's input or output has a text in it.
fn says(event: &Event, wanted: &str) -> bool {
    match &event.kind {
        EventKind::ExecutionStarted { input, .. } => input.text().contains(wanted),
        EventKind::ExecutionSucceeded { output } => output.text().contains(wanted),
        _ => false,
    }
}
