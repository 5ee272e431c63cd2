//! A status as the store's rows and list queries carry it.

use engine::Status;

/// The code of a status in `store::RowState::status` and `store::ExecutionQuery::status`. Part
/// of the stored format: codes are never given another meaning. 0 means that the execution is
/// not over.
pub fn status_code(status: Status) -> u8 {
    match status {
        Status::Running => 0,
        Status::Succeeded => 1,
        Status::Failed => 2,
        Status::TimedOut => 3,
        Status::Aborted => 4,
    }
}

/// The status with this code; none for a code that was never given out.
pub fn status_of_code(code: u8) -> Option<Status> {
    [Status::Running, Status::Succeeded, Status::Failed, Status::TimedOut, Status::Aborted]
        .into_iter()
        .find(|status| status_code(*status) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_status() {
        for code in 0..=4 {
            let status = status_of_code(code).expect("a code that is given out");
            assert_eq!(status_code(status), code);
        }
        assert_eq!(status_of_code(5), None);
    }
}
