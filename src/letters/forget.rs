//! Letters that hold a person's number go with the person: found by the number's digits in the body, the URL and the headers.

use super::Letters;
use crate::bounds::{FORGET_BYTES, FORGET_LETTERS, LETTER_PIECE_BYTES};
use crate::sql::{Arg, Sql, SqlError};

impl<S: Sql> Letters<S> {
    /// Takes the letters away that hold one of the keys, of the next after `after`. Gives how many, and where the next begin.
    pub(super) fn forget(&self, keys: &[String], after: i64) -> Result<(u64, Option<i64>), SqlError> {
        // At least one.
        let last: Vec<i64> = self.rows(
            "SELECT json_group_array(no) FROM (SELECT max(no) AS no FROM
             (SELECT no, sum(bytes) OVER (ORDER BY no) - bytes AS before FROM letter
              WHERE no > CAST(? AS INTEGER) ORDER BY no LIMIT CAST(? AS INTEGER))
             WHERE before < CAST(? AS INTEGER)) WHERE no IS NOT NULL",
            &[Arg::Int(after), Arg::Int(FORGET_LETTERS), Arg::Int(FORGET_BYTES)],
        )?;
        let Some(last) = last.first().copied() else { return Ok((0, None)) };
        let wanted = serde_json::to_string(keys).map_err(|error| SqlError(error.to_string()))?;
        // What is cut into pieces, or is no text, is looked into whole.
        let candidates: Vec<(i64, i64, String)> = self.rows(
            "SELECT json_group_array(json_array(no, shelf, id)) FROM letter
             WHERE no > CAST(?1 AS INTEGER) AND no <= CAST(?2 AS INTEGER) AND (base64 = 1 OR bytes > CAST(?3 AS INTEGER)
             OR EXISTS (SELECT 1 FROM json_each(?4) AS k LEFT JOIN piece ON piece.letter = letter.no
                        WHERE instr(piece.text, k.value) > 0 OR instr(letter.head, k.value) > 0))",
            &[Arg::Int(after), Arg::Int(last), Arg::Int(LETTER_PIECE_BYTES as i64), Arg::Text(&wanted)],
        )?;
        let mut forgotten = 0;
        for (_, shelf, id) in candidates {
            let Some(shelf) = super::Shelf::ALL.into_iter().find(|known| known.no() == shelf) else { continue };
            let Some(letter) = self.get(shelf, &id)? else { continue };
            let head = serde_json::to_string(&letter.head).unwrap_or_default();
            let body = letter.content.into_bytes();
            if keys.iter().any(|key| holds(&body, key) || holds(head.as_bytes(), key)) {
                self.settle(shelf, &id)?;
                forgotten += 1;
            }
        }
        let behind: Vec<i64> = self.rows(
            "SELECT json_group_array(no) FROM (SELECT no FROM letter WHERE no > CAST(? AS INTEGER) LIMIT 1)",
            &[Arg::Int(last)],
        )?;
        Ok((forgotten, (!behind.is_empty()).then_some(last)))
    }
}

/// Whether a key stands in a text by itself: not as a part of a longer number or word.
fn holds(text: &[u8], key: &str) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let key = key.as_bytes();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.windows(key.len().max(1)).position(|part| part == key)) {
        let (at, end) = (from + at, from + at + key.len());
        let before = text.get(..at).unwrap_or_default();
        // `00` and `%2B` are ways to write the `+`.
        let before = before.strip_suffix(b"%2B").or_else(|| before.strip_suffix(b"00")).unwrap_or(before);
        // So does any other escape end before the number, not in it.
        let escaped = matches!(before, [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
        if (escaped || !word(before.last())) && !word(text.get(end)) {
            return true;
        }
        from = at + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_by_itself() {
        for (text, expected) in [
            ("{\"wa_id\":\"12025550101\"}", true),
            ("whatsapp:+12025550101", true),
            ("To=whatsapp%3A%2B12025550101&x", true),
            ("0012025550101", true),
            ("12025550101", true),
            ("912025550101", false),
            ("120255501019", false),
            ("a12025550101", false),
            ("912025550101 12025550101", true),
            ("1202555", false),
            ("", false),
        ] {
            assert_eq!(holds(text.as_bytes(), "12025550101"), expected, "{text}");
        }
    }
}
