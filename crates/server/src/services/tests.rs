//! What services did, on made-up counts.

use catalogue::Text;

use super::*;

fn catalogue() -> Catalogue {
    let text = "[service.web]\nteam = \"front\"\nactions = [\"page.*\", \"login\", \"gone\"]\n\
                [service.\"pay-*\"]\nteam = \"pay\"\nactions = [\"charge\", \"refund\"]\n\
                [service.mail]\nteam = \"mail\"\n[service.\"old-*\"]\nteam = \"mail\"\n";
    let text = Text { name: "owners.toml".into(), text: text.into() };
    Catalogue::read(&[text]).expect("sound")
}

fn activities() -> Activities {
    let mut all = Activities::default();
    for (service, action, bytes, at) in [
        ("web", "page.read", 60, 5),
        ("web", "secret", 10, 9),
        ("pay-eu", "charge", 20, 1),
        ("pay-us", "refund", 5, 2),
        ("stray", "x", 5, 3),
        ("counterfoil", "log.open", 0, 1),
    ] {
        let counts = Counts { events: 1, bytes, last_seen: at };
        let service = all.services.entry(service.into()).or_default();
        service.actions.insert(action.into(), counts);
        service.all.events += 1;
        service.all.bytes += bytes;
        service.all.last_seen = at;
    }
    all
}

fn shown(question: &Question) -> Vec<String> {
    let (catalogue, activities) = (catalogue(), activities());
    let refusals = BTreeMap::from([("web".to_owned(), 3)]);
    let losses = BTreeMap::from([("web".to_owned(), Losses { missing: 2, dropped: 4 })]);
    let known = Known {
        catalogue: &catalogue,
        activities: &activities,
        losses: &losses,
        refusals: &refusals,
        left_out: &BTreeMap::new(),
    };
    let table = table(&known, question);
    assert_eq!((table.undeclared, table.never_seen, table.total.weight.bytes), (1, 2, 100));
    let row = |row: &Row<'_>| {
        let Actions { undeclared, never_seen, .. } = &row.actions;
        format!(
            "{} {} {} {:.2} {} {}/{} +{:?} -{:?}",
            row.service,
            row.owner.unwrap_or("?"),
            row.events,
            row.share,
            row.refusals,
            row.missing,
            row.dropped,
            undeclared.names,
            never_seen.names
        )
    };
    table.services.iter().map(row).collect()
}

fn question() -> Question {
    Question { rows_max: ROWS_MAX, ..Question::default() }
}

#[test]
fn what_is_declared_stands_beside_what_was_heard() {
    assert_eq!(
        shown(&question()),
        [
            r#"web front 2 0.70 3 2/4 +["secret"] -["gone", "login"]"#,
            r#"pay-eu pay 1 0.20 0 0/0 +[] -[]"#,
            r#"pay-us pay 1 0.05 0 0/0 +[] -[]"#,
            r#"stray ? 1 0.05 0 0/0 +[] -[]"#,
            r#"counterfoil ? 1 0.00 0 0/0 +[] -[]"#,
            r#"mail mail 0 0.00 0 0/0 +[] -[]"#,
            r#"old-* mail 0 0.00 0 0/0 +[] -[]"#,
        ]
    );
}

#[test]
fn a_question_leaves_others_out() {
    let names = |question: &Question| -> Vec<String> {
        let rows = shown(question);
        rows.iter().map(|row| row.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(&Question { unowned: true, ..question() }), ["stray"]);
    let owner = Some("pay".to_owned());
    assert_eq!(names(&Question { owner, ..question() }), ["pay-eu", "pay-us"]);
    let silent = Question { silent_since: Some(3), ..question() };
    assert_eq!(names(&silent), ["pay-eu", "pay-us", "counterfoil", "mail", "old-*"]);
    let service = Some("web".to_owned());
    assert_eq!(names(&Question { service, ..question() }), ["web"]);
    assert_eq!(names(&Question { rows_max: 1, ..question() }), ["web"]);
}

#[test]
fn a_service_of_which_all_is_left_out_was_heard() {
    let (catalogue, activities) = (catalogue(), activities());
    let saved =
        |left_out, last| Saved { left_out, bytes_saved: 7 * left_out, last, ..Saved::default() };
    let left_out: BTreeMap<String, Saved> = [
        ("web".into(), saved(1, 4)),
        ("old-eu".into(), saved(5, 20)),
        ("probe".into(), saved(2, 30)),
    ]
    .into();
    let nothing = BTreeMap::new();
    let known = Known {
        catalogue: &catalogue,
        activities: &activities,
        losses: &BTreeMap::new(),
        refusals: &nothing,
        left_out: &left_out,
    };
    let silent = Question { silent_since: Some(10), ..question() };
    let of = |name: &str, question: &Question| {
        let table = table(&known, question);
        let row = table.services.iter().find(|row| row.service == name)?;
        Some((row.events, row.saved, row.last_seen.clone(), row.owner.map(str::to_owned)))
    };
    let mail = Some("mail".to_owned());
    let at = |ns| Some(format_time(ns));
    let all = question();
    assert_eq!(of("web", &all), Some((2, saved(1, 4), at(9), Some("front".into()))));
    assert_eq!(of("old-eu", &all), Some((0, saved(5, 20), at(20), mail)));
    assert_eq!(of("probe", &all), Some((0, saved(2, 30), at(30), None)));
    assert_eq!(of("old-*", &all), None, "one under the pattern was heard");
    assert_eq!((of("probe", &silent), of("stray", &silent).is_some()), (None, true));
    let table = table(&known, &all);
    assert_eq!((table.undeclared, table.never_seen), (2, 1), "stray and probe; mail");
    assert_eq!(table.total.saved, saved(8, 30));
}
