//! The links inside a text: where they begin and end in people's writing, and the text with each replaced.
//!
//! It knows nothing of what replaces them. Everything that is not a link stays byte for byte.

use core::ops::Range;
use std::collections::HashMap;

use crate::target::{TARGET_MAX_CHARS, Target, split_scheme};

/// One occurrence of a link in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its bytes in the text, without the punctuation that follows it.
    pub range: Range<usize>,
    pub target: Target,
}

/// The links of a text in their order, repeats included: `http` and `https` URLs that may be targets.
///
/// `base` is our own origin, such as `https://go.shop.example`: what leads to its `/c/` is left alone. So is what still carries a
/// placeholder (`{{1}}`), and what no redirect may lead to (an international host that is not in punycode, credentials …).
#[must_use]
pub fn find(text: &str, base: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut marks = Marks::default();
    let mut from = 0;
    while let Some(start) = next_scheme(text, from) {
        marks.pass(text.get(from..start).unwrap_or_default());
        let end = start + end_of_link(text.get(start..).unwrap_or_default(), &marks);
        let link = text.get(start..end).unwrap_or_default();
        if !is_ours(link, base) && !link.contains("{{") {
            found.extend(Target::parse(link).ok().map(|target| Found { range: start..end, target }));
        }
        from = end;
    }
    found
}

/// The text with its links replaced by what `replace` makes of them, asked once for each distinct target; `None` leaves the link
/// as it is.
#[must_use]
pub fn wrap_text(text: &str, base: &str, mut replace: impl FnMut(&Target) -> Option<String>) -> String {
    let mut made: HashMap<Target, Option<String>> = HashMap::new();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for Found { range, target } in find(text, base) {
        let link = made.entry(target).or_insert_with_key(&mut replace);
        if let Some(link) = link {
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(link);
            done = range.end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Where the next `http://` or `https://` begins that is not the tail of a longer word (`xhttp://`, `git+https://`).
fn next_scheme(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.match_indices("://").find_map(|(colon, _)| {
        let before = rest.get(..colon)?;
        let letters = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '+').len();
        let scheme = before.get(colon - letters..)?;
        let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        known.then_some(from + colon - letters)
    })
}

/// Which of WhatsApp's marks for bold, italic, struck out and code are open at a place: an odd number of them stands before it on
/// its line, outside links.
#[derive(Default)]
struct Marks([bool; 4]);

impl Marks {
    const CHARS: [char; 4] = ['*', '_', '~', '`'];

    fn pass(&mut self, text: &str) {
        for c in text.chars() {
            if c == '\n' {
                self.0 = [false; 4];
            }
            for (mark, open) in Self::CHARS.into_iter().zip(&mut self.0) {
                *open ^= c == mark;
            }
        }
    }

    fn is_open(&self, c: char) -> bool {
        Self::CHARS.into_iter().zip(self.0).any(|(mark, open)| open && mark == c)
    }
}

/// How many bytes of a text that begins with a link are the link. Never less than its scheme.
fn end_of_link(text: &str, marks: &Marks) -> usize {
    let stop = text.char_indices().find(|&(at, c)| ends_link(c) || begins_another(text, at)).map_or(text.len(), |(at, _)| at);
    if stop > TARGET_MAX_CHARS {
        return stop;
    }
    let mut link = text.get(..stop).unwrap_or_default();
    let unopened = |open: char, close: char| link.matches(close).count().saturating_sub(link.matches(open).count());
    let mut closing = [(')', unopened('(', ')')), (']', unopened('[', ']')), ('}', unopened('{', '}'))];
    while let Some(last) = link.chars().next_back() {
        let punctuation = matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…' | '’' | '‘' | '·');
        let bracket = closing.iter_mut().find(|(close, unopened)| *close == last && *unopened > 0);
        if !punctuation && bracket.is_none() && !marks.is_open(last) {
            break;
        }
        if let Some((_, unopened)) = bracket {
            *unopened -= 1;
        }
        link = link.get(..link.len() - last.len_utf8()).unwrap_or_default();
    }
    link.len()
}

/// What no link contains as it is written: white space, quotes, the punctuation of scripts that put no space after it, marks of
/// direction, symbols and emoji.
fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '<' | '>' | '"' | '\\' | '|' | '^'
            | '«' | '»' | '“' | '”' | '„' | '‟' | '‹' | '›'
            // Arabic, Devanagari, Ethiopic, Khmer, Burmese stops.
            | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{965}' | '\u{1362}'..='\u{1368}' | '\u{17d4}'..='\u{17d6}' | '\u{104a}' | '\u{104b}'
            // Zero-width space, marks and isolates of direction, byte order mark. (Joiners belong to words.)
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
            // CJK punctuation and brackets, full-width forms.
            | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{30fb}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff3d}' | '\u{ff5b}'..='\u{ff65}'
            // Arrows, symbols, dingbats, keycaps, variation selectors, emoji.
            | '\u{2190}'..='\u{2bff}' | '\u{20e3}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether another link begins here, after a separator: `https://a.example,https://b.example`. After `/` or `=` it is part of this one.
fn begins_another(link: &str, at: usize) -> bool {
    let (before, rest) = link.split_at_checked(at).unwrap_or_default();
    before.ends_with([',', ';', ')', ']']) && split_scheme(rest).is_some()
}

/// Whether a link leads to our own redirect, by whichever scheme.
fn is_ours(link: &str, base: &str) -> bool {
    let place = |url| split_scheme(url).map(|(_, place)| place);
    let (Some(link), Some(base)) = (place(link), place(base.trim_end_matches('/'))) else {
        return false;
    };
    link.split_at_checked(base.len()).is_some_and(|(head, rest)| head.eq_ignore_ascii_case(base) && rest.starts_with("/c/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "https://go.shop.example";

    /// Every `[link]` of `marked` is found, and nothing else; wrapping replaces just those.
    fn check(marked: &str) {
        let text = marked.replace(['⟦', '⟧'], "");
        let links: Vec<&str> = marked.split('⟦').skip(1).filter_map(|rest| rest.split('⟧').next()).collect();
        let found: Vec<&str> = find(&text, BASE).into_iter().map(|f| &text[f.range]).collect();
        assert_eq!(found, links, "{text}");
        let mut expected = String::new();
        for part in marked.split('⟦') {
            expected.push_str(part.split_once('⟧').map_or(part, |(_, after)| after));
            expected.push('\u{1}');
        }
        expected.pop();
        assert_eq!(wrap_text(&text, BASE, |_| Some("\u{1}".to_owned())), expected);
    }

    #[test]
    fn where_links_begin_and_end() {
        check("no link here: http, https:/, www.shop.example, mailto:a@shop.example, ://");
        check("⟦https://shop.example⟧");
        check("Winter sale: ⟦https://shop.example/sale?c=1&d=a,b#top⟧ only today.");
        check("Look at ⟦https://shop.example/a⟧, then ⟦HTTP://Shop.Example/b⟧; or ⟦https://shop.example/c⟧?!");
        check("Is it ⟦https://shop.example/a.html⟧... yes");
        check("(⟦https://shop.example/a⟧) [⟦https://shop.example/b⟧]. {⟦https://shop.example/c⟧}");
        check("(see ⟦https://wiki.example/Tick_(bird)⟧)");
        check("<⟦https://shop.example/a⟧> \"⟦https://shop.example/b⟧\" '⟦https://shop.example/c⟧'");
        check("[the shop](⟦https://shop.example/a⟧)");
        check("⟦https://a.example/⟧,⟦https://b.example/⟧;⟦https://c.example/⟧|⟦https://d.example/⟧");
        check("⟦https://archive.example/https://shop.example/⟧ ⟦https://a.example/?u=https://b.example⟧");
        check("⟦https://shop.example/a⟧\n⟦https://shop.example/b⟧\r\n⟦https://shop.example/c⟧\t⟦https://shop.example/d⟧");
        check("git+https://shop.example/a xhttps://shop.example/b");
        check("Shop:⟦https://shop.example/a⟧ =⟦https://shop.example/b⟧");
        check("🎁⟦https://shop.example/a⟧🎁 👉⟦https://shop.example/b⟧👈🏽 ⟦https://shop.example/c⟧➡️ ✔️⟦https://shop.example/d⟧");
    }

    #[test]
    fn whatsapp_marks_belong_to_the_text() {
        check("*⟦https://shop.example/a⟧* _⟦https://shop.example/b⟧_ ~⟦https://shop.example/c⟧~ ```⟦https://shop.example/d⟧```");
        check("*Only today: ⟦https://shop.example/a⟧*\n_⟦https://shop.example/a_b⟧_!");
        check("⟦https://shop.example/a_⟧ ⟦https://shop.example/~⟧");
        check("⟦https://shop.example/a_b⟧ ⟦https://shop.example/c_⟧\n*open\n⟦https://shop.example/*⟧");
    }

    #[test]
    fn in_other_languages() {
        check("Scopri l’offerta su ⟦https://shop.example/perché⟧… «⟦https://shop.example/b⟧», “⟦https://shop.example/c⟧”.");
        check("Regardez ⟦https://shop.example/a⟧ ! Ou bien ⟦https://shop.example/b⟧\u{202f}?");
        check("„⟦https://shop.example/größe⟧“ – jetzt");
        check("¿Ya lo viste? ¡⟦https://shop.example/año⟧!");
        check("अभी देखें: ⟦https://shop.example/सेल⟧। धन्यवाद");
        check("شاهد العرض ⟦https://shop.example/a⟧، أو ⟦https://shop.example/b⟧؟ \u{2067}⟦https://shop.example/c⟧\u{2069}؛");
        check("לחצו כאן: \u{200e}⟦https://shop.example/a⟧\u{200e}.");
        check("点击⟦https://shop.example/a⟧。马上（⟦https://shop.example/b⟧）、「⟦https://shop.example/c⟧」！");
        check("セールは⟦https://shop.example/a⟧、こちら→⟦https://shop.example/b⟧。");
        check("지금 ⟦https://shop.example/a⟧ 보기");
        check("Смотри ⟦https://shop.example/a⟧, или «⟦https://shop.example/b⟧»");
        check("ดูที่ ⟦https://shop.example/a⟧ ได้เลย");
    }

    #[test]
    fn what_is_left_alone() {
        check("https://go.shop.example/c/AQHEWR1h4XaiLpy1L-K5N1jpqN85WPr0iCfqlyt0 http://GO.shop.example/c/x");
        check("https://go.shop.example/c/{{1}} https://shop.example/{{1}}/a");
        check("⟦https://go.shop.example/⟧ ⟦https://go.shop.example/other⟧ ⟦https://go.shop.example.b.example/c/x⟧");
        check("https://bücher.example/ https://user@shop.example/ https:// https://.. ftp://shop.example/ https://127.1/");
        check(&format!("https://shop.example/{}", ")".repeat(TARGET_MAX_CHARS)));
    }

    #[test]
    fn each_target_is_asked_for_once() {
        let mut asked = Vec::new();
        let text = "https://shop.example/a, https://b.example. HTTPS://shop.example/a! https://b.example/ https://c.example/";
        let wrapped = wrap_text(text, BASE, |target| {
            asked.push(target.as_str().to_owned());
            (target.host() != "c.example").then(|| format!("<{}>", asked.len()))
        });
        assert_eq!(wrapped, "<1>, <2>. <1>! <2> https://c.example/");
        assert_eq!(asked, ["https://shop.example/a", "https://b.example/", "https://c.example/"]);
    }

    proptest! {
        /// The text between the links is kept, the ranges are in order, and each holds its target.
        #[test]
        fn everything_else_stays(parts in proptest::collection::vec(prop_oneof![
            "\\PC{0,6}", Just("https://".to_owned()), Just("http://shop.example/".to_owned()), "[.,;:!?()*_\\[\\]{} \n]{1,4}", "[a-z0-9.]{1,5}",
        ], 0..12)) {
            let text = parts.concat();
            let mut rebuilt = String::new();
            let mut done = 0;
            for Found { range, target } in find(&text, BASE) {
                prop_assert!(done <= range.start && range.start < range.end);
                prop_assert_eq!(Target::parse(&text[range.clone()]), Ok(target));
                rebuilt.push_str(&text[done..range.start]);
                rebuilt.push('\u{1}');
                done = range.end;
            }
            rebuilt.push_str(&text[done..]);
            prop_assert_eq!(wrap_text(&text, BASE, |_| Some("\u{1}".to_owned())), rebuilt);
            prop_assert_eq!(wrap_text(&text, BASE, |_| None), text);
        }

        /// Wrapping twice is wrapping once: what stands there then is ours.
        #[test]
        fn wrapping_is_a_fixed_point(before in "\\PC{0,8}", path in "[a-z0-9]{0,8}", after in "\\PC{0,8}") {
            let text = format!("{before} https://shop.example/{path} {after}");
            let ours = |_: &Target| Some(format!("{BASE}/c/token"));
            let once = wrap_text(&text, BASE, ours);
            prop_assert!(once.contains("/c/token"));
            prop_assert_eq!(wrap_text(&once, BASE, ours), once);
        }
    }
}
