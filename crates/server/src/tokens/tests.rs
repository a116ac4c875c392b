//! Tokens: found, refused, shared out.

use super::room::*;
use super::*;
use platform::{RealDisk, SystemClock, SystemEntropy};

#[test]
fn a_token_is_found_by_its_whole_text_alone() {
    let root = std::env::temp_dir().join(format!("counterfoil-tokens-{}", std::process::id()));
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&root).expect("folder"));
    let open = || {
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
        Tokens::open(disk.clone(), clock, entropy).expect("opens")
    };
    let tokens = open();
    let new = NewToken {
        name: "ops".into(),
        role: Role::Admin,
        services: Vec::new(),
        expires_in_s: None,
    };
    let text = tokens.create("acme", new.clone()).expect("made");
    assert!(tokens.create("acme", new).is_err(), "names are unique");
    let again = open();
    let found = again.authenticate(&text).expect("found after a restart");
    assert_eq!((found.name.as_str(), found.tenant.as_str()), ("ops", "acme"));
    let mut other = text.clone().into_bytes();
    let last = other.len() - 1;
    other[last] ^= 1;
    assert!(again.authenticate(std::str::from_utf8(&other).expect("ascii")).is_err());
    assert!(again.authenticate(&text[..text.len() - 1]).is_err());
    let stored = std::fs::read_to_string(root.join(NAME)).expect("file");
    assert!(!stored.contains(&text[12..]), "the secret is not stored");
    let id = again.list("acme")[0].id.clone();
    let revoke = |tenant: &str, agreed| again.revoke(tenant, &id, || agreed).expect("io");
    assert_eq!(revoke("other", true), Revoked::Absent);
    assert_eq!(revoke("acme", false), Revoked::NeedsSecondPerson, "it is the last admin");
    assert!(again.has("acme", &id) && !again.has("other", &id));
    assert_eq!(revoke("acme", true), Revoked::Done);
    assert!(again.authenticate(&text).is_err());
    std::fs::remove_dir_all(root).expect("removed");
}

/// Gives the same four bytes three times, and then others.
#[derive(Default)]
struct Stuck(std::sync::atomic::AtomicU8);

impl Entropy for Stuck {
    fn fill(&self, out: &mut [u8]) {
        let turn = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        out.fill(if out.len() == 4 { turn / 4 } else { turn });
    }
}

#[test]
fn an_id_that_is_taken_is_drawn_again() {
    let name = format!("counterfoil-token-ids-{}", std::process::id());
    let root = std::env::temp_dir().join(name);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&root).expect("folder"));
    let clock = Arc::new(SystemClock::new());
    let tokens = Tokens::open(disk, clock, Arc::new(Stuck::default())).expect("opens");
    let new = |name: &str| NewToken {
        name: name.into(),
        role: Role::Reader,
        services: vec![],
        expires_in_s: None,
    };
    let texts = ["a", "b"].map(|tenant| tokens.create(tenant, new("x")).expect("made"));
    assert_ne!(texts[0][..11], texts[1][..11], "ids differ");
    for (text, tenant) in texts.iter().zip(["a", "b"]) {
        assert_eq!(tokens.authenticate(text).expect("found").tenant, tenant);
    }
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn the_room_is_shared_out_and_what_expired_makes_some() {
    for (tenants, tokens) in [(1, 10_000), (2, 5_000), (100, 100), (500, 100)] {
        let (each, bytes) = share(tenants);
        assert_eq!(each, tokens, "{tenants}");
        assert!(bytes * tenants <= SHARED_BYTES && bytes > 1_000 * EACH_MIN, "{tenants}");
    }
    let disk = Arc::new(platform::sim::SimDisk::new(1));
    let clock = Arc::new(platform::sim::SimClock::new(0));
    let tokens = Tokens::open(disk, clock.clone(), Arc::new(SystemEntropy)).expect("opens");
    let tokens = tokens.sharing(500);
    let create = |tenant: &str, nth: usize, expires_in_s, services: &[String]| {
        let role = if services.is_empty() { Role::Reader } else { Role::Producer };
        let (name, services) = (format!("t{nth}"), services.to_vec());
        tokens.create(tenant, NewToken { name, role, services, expires_in_s })
    };
    for nth in 0..EACH_MIN {
        create("acme", nth, (nth < 2).then_some(60 - nth as i64), &[]).expect("there is room");
    }
    let full = create("acme", EACH_MIN, None, &[]).expect_err("there is none");
    assert!(matches!(full, TokenError::Full(_)), "{full}");
    create("beta", 0, None, &[]).expect("another tenant has its own");
    assert!(tokens.expired("acme").is_empty());
    clock.pass(std::time::Duration::from_secs(60));
    let expired = tokens.expired("acme");
    let name = |id: &String| tokens.read()[id].token.name.clone();
    assert_eq!(expired.iter().map(name).collect::<Vec<_>>(), ["t1", "t0"], "in their order");
    tokens.forget(&expired).expect("written");
    create("acme", EACH_MIN, None, &[]).expect("there is room again");
    tokens.create_first("acme", "admin".into()).expect("no bound keeps a tenant from one");
    let long: Vec<String> = (0..64).map(|n| format!("{n:0>256}")).collect();
    let made = (1..EACH_MIN).take_while(|nth| create("beta", *nth, None, &long).is_ok());
    assert_eq!(made.count(), 15, "of the largest, by their bytes");
    create("beta", EACH_MIN, None, &[]).expect("there is room for a smaller one");
}

#[test]
fn an_expired_token_opens_nothing() {
    let disk: Arc<dyn Disk> = Arc::new(platform::sim::SimDisk::new(1));
    let clock = Arc::new(platform::sim::SimClock::new(1_000_000_000));
    let open =
        || Tokens::open(disk.clone(), clock.clone(), Arc::new(SystemEntropy)).expect("opens");
    let tokens = open();
    let new = |name: &str, expires_in_s| NewToken {
        name: name.into(),
        role: Role::Admin,
        services: Vec::new(),
        expires_in_s,
    };
    assert!(tokens.create("acme", new("never", Some(0))).is_err());
    let short = tokens.create("acme", new("short", Some(60))).expect("made");
    let long = tokens.create("acme", new("long", None)).expect("made");
    assert!(tokens.authenticate(&short).is_ok() && tokens.authenticate(&long).is_ok());
    assert_eq!(tokens.admins("acme"), 2);
    tokens.keep_uses().expect("kept");
    clock.pass(std::time::Duration::from_secs(60));
    let again = open();
    assert_eq!(again.authenticate(&short).expect_err("over"), Denied::Expired);
    assert!(again.authenticate(&long).is_ok());
    assert_eq!(again.admins("acme"), 1, "an expired admin is none");
    let used = again.list("acme").into_iter().map(|token| token.last_used_at);
    assert!(used.clone().all(|at| at.is_some()), "{:?}", used.collect::<Vec<_>>());
}
