//! Where a page of a list begins and where the next one goes on.

use crate::dispatch::Call;
use crate::error::ApiError;
use crate::json::JsonObject;

/// The place that the request's `nextToken` leads to; none without a token.
pub(crate) fn place(call: &Call<'_>, binding: &[&str]) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(token) = call.request.text("nextToken") else { return Ok(None) };
    call.api.page_tokens.open(binding, token, call.api.now()).map(Some)
}

/// The place in a list that is in the order of texts; empty without a token.
pub(crate) fn text_place(call: &Call<'_>, binding: &[&str]) -> Result<String, ApiError> {
    let place = place(call, binding)?.unwrap_or_default();
    String::from_utf8(place).map_err(|_| ApiError::invalid_token())
}

/// The place in a list whose places are numbers.
pub(crate) fn number_places<const COUNT: usize>(
    call: &Call<'_>,
    binding: &[&str],
) -> Result<Option<[u64; COUNT]>, ApiError> {
    let Some(place) = place(call, binding)? else { return Ok(None) };
    let mut numbers = [0; COUNT];
    if place.len() != COUNT * size_of::<u64>() {
        return Err(ApiError::invalid_token());
    }
    for (number, bytes) in numbers.iter_mut().zip(place.chunks_exact(size_of::<u64>())) {
        *number = u64::from_be_bytes(bytes.try_into().expect("chunks have the size of a number"));
    }
    Ok(Some(numbers))
}

/// Writes the `nextToken` for the page that goes on at `place`.
pub(crate) fn write_next(
    response: &mut JsonObject,
    call: &Call<'_>,
    binding: &[&str],
    place: &[u8],
) {
    let token = call.api.page_tokens.seal(binding, place, call.api.now());
    response.text("nextToken", &token);
}
