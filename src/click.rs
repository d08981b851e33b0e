//! Human or machine, and on which kind of device: what one request for a tracking link tells about who made it.
//!
//! A verdict deletes nothing: machines are counted apart, with the reason. In doubt it is a human. It keeps neither the user
//! agent nor an address, and knows nothing of how often somebody clicks (`flood` is the Ledger's to tell).

use std::sync::LazyLock;

/// What the edge knows about a request for a link.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClickSignals<'a> {
    /// The method is HEAD.
    pub head: bool,
    pub user_agent: Option<&'a str>,
    /// The header `Sec-Purpose` (Fetch, "Sec-Purpose"; Chrome: `prefetch;prerender`).
    pub sec_purpose: Option<&'a str>,
    /// The header `Purpose`, its older form.
    pub purpose: Option<&'a str>,
    /// Cloudflare's bot score, where the plan has it: 1 (machine) to 99 (human); 0 is not computed.
    pub bot_score: Option<u8>,
    /// Cloudflare knows the machine by name.
    pub verified_bot: bool,
}

/// Why a click was made by a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A HEAD request: nobody sees its answer.
    Head,
    /// A browser looked ahead.
    Prefetch,
    /// A messenger or network made its preview of the link.
    LinkPreview,
    /// A crawler, monitor, scanner or script.
    Crawler,
    /// Every browser names itself.
    NoUserAgent,
    /// Cloudflare holds it for automated.
    BotScore,
}

impl Reason {
    /// The word for it in every answer and list.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Prefetch => "prefetch",
            Self::LinkPreview => "link_preview",
            Self::Crawler => "crawler",
            Self::NoUserAgent => "no_user_agent",
            Self::BotScore => "bot_score",
        }
    }
}

/// The words for why a click is a machine's, by the number that counters keep, from 1: add, never reorder. The last is for words of
/// another release.
pub const MACHINES: [&str; 8] =
    ["head", "prefetch", "link_preview", "crawler", "no_user_agent", "bot_score", crate::flood::FLOOD, "other"];

/// The number of a machine's word; 0 is a human.
#[must_use]
pub fn machine_no(word: Option<&str>) -> u16 {
    let no = |word: &str| (1..).zip(MACHINES).find(|(_, known)| *known == word).map_or(MACHINES.len() as u16, |(no, _)| no);
    word.map_or(0, no)
}

/// A class of devices, as the user agent says. An iPad that asks for desktop pages is a desktop: it says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Mobile,
    Tablet,
    Desktop,
    /// Televisions, consoles, machines, and what does not say.
    Other,
}

impl Device {
    /// The word for it in every answer and list.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
            Self::Other => "other",
        }
    }
}

/// Why a machine made the click; `None` is a human. The first reason that holds, in the order of the rules.
#[must_use]
pub fn classify(signals: &ClickSignals<'_>) -> Option<Reason> {
    classify_known(signals, of_agent(signals.user_agent))
}

/// The same for who knows already what the user agent tells: reading it is the dear part, and few are different.
#[must_use]
pub fn classify_known(signals: &ClickSignals<'_>, of_agent: Option<Reason>) -> Option<Reason> {
    let purpose = |value: Option<&str>| {
        value.is_some_and(|v| {
            let v = v.to_ascii_lowercase();
            v.contains("prefetch") || v.contains("prerender") || v.contains("preview")
        })
    };
    if signals.head {
        return Some(Reason::Head);
    }
    if purpose(signals.sec_purpose) || purpose(signals.purpose) {
        return Some(Reason::Prefetch);
    }
    if of_agent.is_some() {
        return of_agent;
    }
    if signals.verified_bot {
        return Some(Reason::Crawler);
    }
    let score = signals.bot_score.is_some_and(|score| (1..HUMAN_BOT_SCORE).contains(&score));
    score.then_some(Reason::BotScore)
}

/// What a user agent alone tells.
#[must_use]
pub fn of_agent(user_agent: Option<&str>) -> Option<Reason> {
    let agent = user_agent.map_or(String::new(), lower);
    if agent.is_empty() {
        Some(Reason::NoUserAgent)
    } else if is_link_preview(&agent) {
        Some(Reason::LinkPreview)
    } else {
        is_crawler(&agent).then_some(Reason::Crawler)
    }
}

/// The class of device of a user agent.
#[must_use]
pub fn device(user_agent: Option<&str>) -> Device {
    let agent = user_agent.map_or(String::new(), lower);
    let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    if has(&["smart-tv", "smarttv", "android tv", "googletv", "appletv", "web0s", "hbbtv", "crkey", "playstation", "xbox"]) {
        Device::Other
    } else if has(&["ipad", "tablet", "kindle", "playbook"]) {
        Device::Tablet
    } else if has(&["mobi", "iphone", "ipod", "windows phone", "opera mini", "kaios", "midp"]) {
        Device::Mobile
    } else if has(&["android", "silk/"]) {
        // A phone's browser says `Mobile` beside `Android`; a tablet's does not.
        Device::Tablet
    } else if has(&["windows nt", "macintosh", "x11", "cros", "linux"]) {
        Device::Desktop
    } else {
        Device::Other
    }
}

/// Scores from here on are likely human (Cloudflare, "Bot scores": 2–29 likely automated, 30–99 likely human).
const HUMAN_BOT_SCORE: u8 = 30;

/// No more of a user agent is looked at; the longest of real browsers inside apps have about 400 bytes.
const AGENT_MAX_BYTES: usize = 512;

/// Who fetches a link to show what is behind it: looked for where a word begins.
const LINK_PREVIEWS: [&str; 45] = [
    "bingpreview",
    "bluesky",
    "bufferlinkpreviewbot",
    "cardyb",
    "developers.google.com/+/web/snippet",
    "discordbot",
    "discourse forum onebox",
    "embedly",
    "evernoterichlinkbot",
    "facebookcatalog",
    "facebookexternalhit",
    "facebot",
    "google web preview",
    "google-pagerenderer",
    "groupmebot",
    "iframely",
    "kakaotalk-scrap",
    "keybasebot",
    "line-poker",
    "linkedinbot",
    "mastodon",
    "mattermost-bot",
    "meta-externalads",
    "meta-externalagent",
    "meta-externalfetcher",
    "meta-externalhit",
    "meta-webindexer",
    "microsoftpreview",
    "odklbot",
    "pinterestbot",
    "redditbot",
    "rocket.chat",
    "skypeuripreview",
    "slack-imgproxy",
    "slackbot",
    "snapurlpreview",
    "synapse",
    "telegrambot",
    "tweetmemebot",
    "twitterbot",
    "vkrobot",
    "vkshare",
    "wechat-preview",
    "zalobot",
    "zoombot",
];

/// Messengers whose previews begin with their name (Signal and others borrow WhatsApp's). Behind `Mozilla/5.0 (` a messenger's name
/// is a person's browser inside the app: WhatsApp's says `WA4A/…` or `[WAiOS/…]`.
const LINK_PREVIEWS_IN_FRONT: [&str; 2] = ["whatsapp", "viber"];

/// Parts of words that only crawlers have in their names.
const CRAWLER_PARTS: [&str; 5] = ["crawl", "spider", "scrap", "headless", "+http"];

/// Names of crawlers, sorted, none the beginning of another: see `dev/crawlers.mjs`.
static CRAWLERS: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("crawlers.txt").lines().filter(|line| !line.starts_with('#')).collect());

fn lower(agent: &str) -> String {
    let agent = agent.trim();
    agent.get(..agent.floor_char_boundary(AGENT_MAX_BYTES)).unwrap_or_default().to_ascii_lowercase()
}

fn is_link_preview(agent: &str) -> bool {
    LINK_PREVIEWS_IN_FRONT.iter().any(|name| agent.starts_with(name))
        // WhatsApp on the desktop opens links in the system's browser: what it fetches itself is for previews.
        || (agent.contains("whatsapp/") && agent.contains("electron/"))
        || agent.contains("preview")
        || agent.contains("unfurl")
        || words(agent).any(|rest| begins_with_one_of(&LINK_PREVIEWS, rest))
}

/// A browser names its platform in brackets; Android's bare HTTP client does too.
fn is_crawler(agent: &str) -> bool {
    !agent.contains('(')
        || agent.starts_with("dalvik/")
        || CRAWLER_PARTS.iter().any(|part| agent.contains(part))
        || is_bot(agent)
        || words(agent).any(|rest| begins_with_one_of(&CRAWLERS, rest))
}

/// A word that ends in `bot` or `bots`. Cubot makes telephones.
fn is_bot(agent: &str) -> bool {
    agent.match_indices("bot").any(|(at, bot)| {
        let before = agent.get(..at).unwrap_or_default();
        let after = agent.get(at + bot.len()..).unwrap_or_default();
        let after = after.strip_prefix('s').unwrap_or(after);
        !after.starts_with(|c: char| c.is_ascii_alphanumeric()) && !before.ends_with(" cu")
    })
}

/// The text from the beginning of each word on.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let begins = c.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric();
        before = c;
        if begins { text.get(at..) } else { None }
    })
}

/// Whether `text` begins with one of `names`, which are sorted and none the beginning of another: then what `text` begins with
/// stands right before the place of `text` itself.
fn begins_with_one_of(names: &[&str], text: &str) -> bool {
    let place = names.partition_point(|name| *name <= text);
    place.checked_sub(1).and_then(|at| names.get(at)).is_some_and(|name| text.starts_with(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHROME: &str =
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";

    fn of(user_agent: &str) -> ClickSignals<'_> {
        ClickSignals { user_agent: Some(user_agent), ..ClickSignals::default() }
    }

    fn check(user_agent: &str, reason: Option<Reason>, class: Device) {
        assert_eq!(classify(&of(user_agent)), reason, "{user_agent}");
        assert_eq!(device(Some(user_agent)), class, "{user_agent}");
    }

    #[test]
    fn people_and_their_devices() {
        let webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let android = |model: &str, rest: &str| {
            format!("Mozilla/5.0 (Linux; Android 14; {model}) AppleWebKit/537.36 (KHTML, like Gecko) {rest}")
        };
        let phone = |rest: &str| format!("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {webkit} {rest}");
        let mobile = "Version/4.0 Chrome/130.0.6723.58 Mobile Safari/537.36";
        for agent in [
            CHROME.to_owned(),
            phone("Version/18.1 Mobile/15E148 Safari/604.1"),
            phone("CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1"),
            phone("GSA/340.3.689937600 Mobile/15E148 Safari/604.1"),
            phone("DuckDuckGo/7 Safari/605.1.15"),
            // Browsers inside apps, where most taps in messages happen.
            phone("Mobile/15E148 [FBAN/FBIOS;FBAV/489.0.0.40.75;FBDV/iPhone14,5;FBSN/iOS;FBSV/18.1;FBLC/it_IT]"),
            phone("Mobile/15E148 Instagram 355.0.0.29.90 (iPhone14,5; iOS 18_1; it_IT; it; scale=3.00; 1170x2532)"),
            phone("Mobile/15E148 [WAiOS/2.26.31]"),
            phone("Mobile/15E148 LinkedInApp/9.30.2158"),
            phone("Mobile/15E148 Snapchat/13.12.0.41 (like Safari/8618.2.12.10.9, panda)"),
            phone("Mobile/15E148 Safari Line/14.17.0"),
            android("SM-A546B; wv", &format!("{mobile} [FB_IAB/FB4A;FBAV/487.0.0.67.109;]")),
            android("Pixel 8 Build/AP3A.240617.008; wv", &format!("{mobile} WA4A/2.26.30.97")),
            android("SM-S918B; wv", &format!("{mobile} Viber/23.1.0.4")),
            android("SM-S918B", &format!("{mobile} Telegram-Android/11.2.3 (Samsung SM-S918B; Android 14; SDK 34; HIGH)")),
            android("2201117TY; wv", &format!("{mobile} KAKAOTALK 10.9.0 (INAPP)")),
            android("V2250; wv", &format!("{mobile} MicroMessenger/8.0.50.2701 WeChat/arm64")),
            android("SM-G991B", "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36"),
            android("CUBOT NOTE 20", mobile),
            android("CUBOT_X30", mobile),
            android("HTC Butterfly s", mobile),
            android("K", "Chrome/130.0.0.0 Mobile Safari/537.36 OPR/86.0.0.0"),
            android("Redmi Note 12; wv", &format!("{mobile} GoogleApp/15.40")),
            "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0".to_owned(),
            "Mozilla/5.0 (Linux; U; Android 12; en-US; RMX3231) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.8.2.1324 Mobile Safari/537.36".to_owned(),
            "Opera/9.80 (Android; Opera Mini/82.0.2254/191.249; U; en) Presto/2.12.423 Version/12.16".to_owned(),
            "Mozilla/5.0 (Mobile; LYF/F320B/LYF-F320B-001-01-15-130718-i;Android; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5".to_owned(),
        ] {
            check(&agent, None, Device::Mobile);
        }
        for agent in [
            format!("Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) {webkit} Version/17.6 Mobile/15E148 Safari/604.1"),
            android("SM-X700", "Chrome/130.0.0.0 Safari/537.36"),
            android("KFTRWI", "Silk/128.3.1 like Chrome/128.0.6613.127 Safari/537.36"),
            "Mozilla/5.0 (Android 14; Tablet; rv:132.0) Gecko/132.0 Firefox/132.0".to_owned(),
        ] {
            check(&agent, None, Device::Tablet);
        }
        for platform in [
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 10_15_7",
            "X11; Linux x86_64",
            "X11; CrOS x86_64 14541.0.0",
        ] {
            let chrome =
                format!("Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36");
            check(&chrome, None, Device::Desktop);
            for more in [
                "Edg/130.0.0.0",
                "OPR/114.0.0.0",
                "Slack/4.40.128",
                "discord/1.0.9168",
                "WhatsApp/2.2446.6",
                "coc_coc_browser/130.0.0",
            ] {
                check(&format!("{chrome} {more}"), None, Device::Desktop);
            }
            check(&format!("Mozilla/5.0 ({platform}; rv:132.0) Gecko/20100101 Firefox/132.0"), None, Device::Desktop);
        }
        let television =
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0.4606.31/7.0 TV Safari/537.36";
        check(television, None, Device::Other);
        assert_eq!(device(None), Device::Other);
    }

    #[test]
    fn previews_of_messengers_and_networks() {
        for agent in [
            "WhatsApp/2.23.20.0",
            "WhatsApp/2.2446.6 W",
            "WhatsApp/2.24.20.89 A",
            "WhatsApp/2",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) WhatsApp/0.4.2088 Chrome/66.0.3359.181 Electron/3.0.10 Safari/537.36",
            "Viber/23.1.0.4 (Android)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "facebookexternalhit/1.1;line-poker/1.0",
            "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
            "meta-externalfetcher/1.1",
            "TelegramBot (like TwitterBot)",
            "Twitterbot/1.0",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Slack-ImgProxy (+https://api.slack.com/robots)",
            "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
            "Mozilla/5.0 (compatible; Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/))",
            "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots",
            "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
        ] {
            assert_eq!(classify(&of(agent)), Some(Reason::LinkPreview), "{agent}");
        }
        // Apple's previews say so behind a Safari of 2015.
        let apple = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0";
        check(apple, Some(Reason::LinkPreview), Device::Desktop);
    }

    #[test]
    fn crawlers_and_scripts() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
            "Mozilla/5.0 (compatible; bingbot/2.0)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome-Lighthouse",
            "Baiduspider+(+http://www.baidu.com/search/spider.htm)",
            "curl/8.5.0",
            "Wget/1.21.4 (linux-gnu)",
            "python-requests/2.32.3",
            "Go-http-client/2.0",
            "okhttp/4.12.0",
            "Java/17.0.2",
            "Dalvik/2.1.0 (Linux; U; Android 14; SM-A546B Build/UP1A.231005.007)",
            "Mozilla/5.0",
            "GuzzleHttp/7",
            "Mozilla/5.0 (compatible; Yahoo! Slurp)",
            "BARKROWLER/0.9 (x)",
        ] {
            assert_eq!(classify(&of(agent)), Some(Reason::Crawler), "{agent}");
        }
    }

    #[test]
    fn what_the_request_itself_says() {
        let chrome = of(CHROME);
        let check = |signals: ClickSignals<'_>, reason| assert_eq!(classify(&signals), reason, "{signals:?}");
        check(chrome, None);
        check(ClickSignals { head: true, ..chrome }, Some(Reason::Head));
        check(ClickSignals { head: true, ..of("WhatsApp/2.23.20.0") }, Some(Reason::Head));
        for value in ["prefetch", "prefetch;prerender", "Prefetch;anonymous-client-ip", "prerender", "preview"] {
            check(ClickSignals { sec_purpose: Some(value), ..chrome }, Some(Reason::Prefetch));
            check(ClickSignals { purpose: Some(value), ..chrome }, Some(Reason::Prefetch));
        }
        check(ClickSignals { sec_purpose: Some(""), purpose: Some("other"), ..chrome }, None);
        check(ClickSignals::default(), Some(Reason::NoUserAgent));
        check(of(" "), Some(Reason::NoUserAgent));
        for (score, reason) in [(0, None), (1, Some(Reason::BotScore)), (29, Some(Reason::BotScore)), (30, None), (99, None)] {
            check(ClickSignals { bot_score: Some(score), ..chrome }, reason);
        }
        check(ClickSignals { bot_score: Some(1), ..of("curl/8.5.0") }, Some(Reason::Crawler));
        check(ClickSignals { verified_bot: true, bot_score: Some(99), ..chrome }, Some(Reason::Crawler));
    }

    #[test]
    fn lists_are_fit_for_the_search() {
        for names in [LINK_PREVIEWS.as_slice(), &CRAWLERS] {
            assert!(names.len() > 40);
            for pair in names.windows(2) {
                assert!(pair[0] < pair[1] && !pair[1].starts_with(pair[0]), "{pair:?}");
            }
            for name in names {
                assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()) && lower(name) == *name, "{name}");
                for text in [format!("{name}/1.0 (x)"), format!("x ({name})"), format!("x-{name} y")] {
                    assert!(words(&text).any(|rest| begins_with_one_of(names, rest)), "{text}");
                }
            }
        }
    }

    proptest! {
        /// The search finds what looking at every name finds.
        #[test]
        fn the_search_is_the_plain_one(text in "[a-z0-9/ .-]{0,12}", index in 0usize..1000, cut in 0usize..12) {
            let name = CRAWLERS[index % CRAWLERS.len()];
            for text in [text.clone(), format!("{}{text}", &name[..cut.min(name.len())])] {
                prop_assert_eq!(begins_with_one_of(&CRAWLERS, &text), CRAWLERS.iter().any(|name| text.starts_with(name)));
            }
        }

        /// Any text is somebody's user agent.
        #[test]
        fn any_text_has_a_verdict(text in "\\PC{0,600}") {
            let _ = device(Some(&text));
            let expected = text.trim().is_empty();
            prop_assert_eq!(classify(&of(&text)) == Some(Reason::NoUserAgent), expected);
        }
    }
}
