//! Who a contact is: the canonical key of a person, and the handle that stands for it everywhere else.
//!
//! Nothing here stores or routes; see `metrics.md` section 1, "One person, one key".

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::keys::Key;

/// A person outside their own timeline: 12 bytes of a keyed hash of the person's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub [u8; 12]);

impl Handle {
    /// The handle of a canonical key under the deployment's handle key.
    #[must_use]
    pub fn of(key: &Key, person: &str) -> Self {
        let mut bytes = [0u8; 12];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
            mac.update(person.as_bytes());
            for (to, from) in bytes.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        Self(bytes)
    }

    /// 16 characters of URL-safe base64.
    #[must_use]
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The inverse of [`Handle::to_text`]; `None` for anything else.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Which of `ledgers` owns this contact. Uniform, and fixed for as long as the number of ledgers is.
    #[must_use]
    pub fn ledger(self, ledgers: u32) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d]) % ledgers.max(1)
    }
}

impl core::fmt::Debug for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Handle({})", self.to_text())
    }
}

/// Before the handle of a click that names no contact: it is a timeline by itself.
pub const NOBODY: char = '~';

/// The handle, as text, under which a click without a contact is kept, and the Ledger that owns it.
#[must_use]
pub fn handle_of_click(key: &Key, click_id: &str, ledgers: u32) -> (String, u32) {
    let handle = Handle::of(key, click_id);
    (format!("{NOBODY}{}", handle.to_text()), handle.ledger(ledgers))
}

/// The person's key from what a provider, sender or shop wrote: E.164 digits without `+`, or a business-scoped user id.
/// `None` if it is neither.
///
/// `whatsapp:`, `+`, spaces, dashes, dots and brackets go away; WhatsApp's own forms are made equal (see [`canonical_phone`]).
#[must_use]
pub fn canonical_key(text: &str) -> Option<String> {
    canonical_phone(text).or_else(|| user_id(text))
}

/// E.164 digits of a phone number, 5 to 15 of them, in the one form under which a person is kept.
///
/// WhatsApp writes some numbers in a form of its own; this small table makes the forms equal:
/// - Mexico: `521` and ten digits is `52` and the ten digits.
/// - Argentina: `549` and ten digits is `54` and the ten digits.
/// - Brazil: `55`, an area code and eight digits that begin with 6–9 (a mobile) gets its ninth digit, a 9 after the area code.
#[must_use]
pub fn canonical_phone(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("whatsapp:").unwrap_or(text);
    let mut digits = String::with_capacity(16);
    for c in text.trim().chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => {}
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' => {}
            _ => return None,
        }
        if digits.len() > 17 {
            return None;
        }
    }
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    if !(4..=15).contains(&digits.len()) || digits.starts_with('0') {
        return None;
    }
    Some(if let Some(rest) = digits.strip_prefix("521").filter(|r| r.len() == 10) {
        format!("52{rest}")
    } else if let Some(rest) = digits.strip_prefix("549").filter(|r| r.len() == 10) {
        format!("54{rest}")
    } else {
        brazilian_mobile(digits).unwrap_or_else(|| digits.to_owned())
    })
}

/// The ways in which others may write a canonical key, digits alone: the inverse of [`canonical_phone`].
#[must_use]
pub fn spellings(key: &str) -> Vec<String> {
    let mut ways = vec![key.to_owned()];
    if let Some(rest) = key.strip_prefix("52").filter(|rest| rest.len() == 10) {
        ways.push(format!("521{rest}"));
    } else if let Some(rest) = key.strip_prefix("54").filter(|rest| rest.len() == 10) {
        ways.push(format!("549{rest}"));
    } else if let Some((area, number)) =
        key.strip_prefix("55").filter(|rest| rest.len() == 11).and_then(|r| r.split_at_checked(2))
        && let Some(number) = number.strip_prefix('9')
    {
        ways.push(format!("55{area}{number}"));
    }
    ways
}

fn brazilian_mobile(digits: &str) -> Option<String> {
    let rest = digits.strip_prefix("55").filter(|r| r.len() == 10)?;
    let (area, number) = rest.split_at_checked(2)?;
    number.starts_with(['6', '7', '8', '9']).then(|| format!("55{area}9{number}"))
}

/// A business-scoped user id: a two-letter country, a dot, then letters, digits and dots (`US.ENT.118…` is a parent id).
/// Drafts of the provider's documents also show `user.` in front; any `word.rest` of that shape is taken.
#[must_use]
pub fn user_id(text: &str) -> Option<String> {
    let text = text.trim();
    let (head, rest) = text.split_once('.')?;
    let word = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_' || b == b'-');
    ((2..=8).contains(&head.len()) && head.bytes().all(|b| b.is_ascii_alphabetic()) && word(rest) && text.len() <= 160)
        .then(|| text.to_owned())
}

/// How a person is shown to those who may not see people: `+1202•••••01`, `US.•••••18`. Of a short number only its length shows.
#[must_use]
pub fn masked(key: &str) -> String {
    const DOTS: &str = "•••••";
    let tail = key.get(key.len().saturating_sub(2)..).unwrap_or_default();
    if let Some((country, _)) = key.split_once('.') {
        return format!("{country}.{DOTS}{tail}");
    }
    match key.len().checked_sub(7) {
        None => format!("+{}", "•".repeat(key.len())),
        Some(head) => format!("+{}{DOTS}{tail}", key.get(..head).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, key: Option<&str>) {
        assert_eq!(canonical_key(written).as_deref(), key, "{written}");
    }

    #[test]
    fn one_person_one_key() {
        check("+1 (202) 555-0101", Some("12025550101"));
        check("whatsapp:+12025550101", Some("12025550101"));
        check("0012025550101", Some("12025550101"));
        check("5215512345678", Some("525512345678"));
        check("525512345678", Some("525512345678"));
        check("52155123456", Some("52155123456"));
        check("5491112345678", Some("541112345678"));
        check("551187654321", Some("5511987654321"));
        check("5511987654321", Some("5511987654321"));
        check("551132654321", Some("551132654321"));
        check("US.13491208655302741918", Some("US.13491208655302741918"));
        check("US.ENT.11815799212886844830", Some("US.ENT.11815799212886844830"));
        check("5678", Some("5678"));
        check("", None);
        check("abc", None);
        check("0123456", None);
        check("1234567890123456", None);
    }

    #[test]
    fn masks_keep_the_length_and_hide_the_middle() {
        for (key, shown) in [
            ("12025550101", "+1202•••••01"),
            ("447700900123", "+44770•••••23"),
            ("12345678", "+1•••••78"),
            ("1234567", "+•••••67"),
            ("5678", "+••••"),
            ("US.13491208655302741918", "US.•••••18"),
        ] {
            assert_eq!(masked(key), shown);
        }
    }

    #[test]
    fn canonical_is_a_fixed_point() {
        for text in ["5215512345678", "5491112345678", "551187654321", "+44 7700 900123"] {
            let once = canonical_key(text).unwrap();
            assert_eq!(canonical_key(&once).unwrap(), once);
        }
    }

    #[test]
    fn every_spelling_is_the_same_person() {
        for (key, ways) in [("525512345678", 2), ("541112345678", 2), ("5511987654321", 2), ("12025550101", 1), ("US.134912", 1)]
        {
            let spellings = spellings(key);
            assert_eq!(spellings.len(), ways, "{key}");
            assert!(spellings.iter().all(|way| canonical_key(way).as_deref() == Some(key)), "{key}");
        }
    }

    #[test]
    fn handles_are_pinned() {
        let handle = Handle::of(&[7; 32], "12025550101");
        assert_eq!(Handle::from_text(&handle.to_text()), Some(handle));
        assert_eq!(handle.to_text().len(), 16);
        assert_ne!(handle, Handle::of(&[8; 32], "12025550101"));
    }
}
