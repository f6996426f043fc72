//! Signatures by the real gpg and ssh-keygen, in commits and tags of the real
//! git, which judges each of them too.

use std::fs;
use std::path::Path;

use drupelet::git::{
    Access, Branches, Cache, Checked, ClearSigned, History, Keyring, Limits, LocalRepository,
    Locator, SSH_ALLOWED_SIGNERS, SSH_REVOKED_KEYS, Signed, Verdict, unsealed,
};
use drupelet::http::{Client, Roots, Settings};

use crate::support::git_server::{Behaviour, serve};
use crate::support::serve::Server;
use crate::support::signer::{Signer, signer};

/// A repository with a work tree, and keys.
struct Place {
    signer: Signer,
    folder: tempfile::TempDir,
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Place {
    fn new() -> Option<Self> {
        let signer = signer()?;
        let folder = tempfile::tempdir().expect("a temporary directory");
        signer.git(folder.path(), &["init", "-q", "-b", "main", "."]);
        Some(Place { signer, folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `git commit -S`, or without it where `key` is empty.
    fn commit(&self, key: &str, program: &str) -> String {
        let options = match key {
            "" => Vec::new(),
            key => self.signer.options(key, program),
        };
        let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        arguments.extend(["commit", "-q", "--allow-empty", "-m", "change"]);
        if !key.is_empty() {
            arguments.push("-S");
        }
        self.signer.git(self.path(), &arguments);
        self.signer.git(self.path(), &["rev-parse", "HEAD"])
    }

    /// As `--format=%G? %GK` of git says it.
    fn judged_by_git(&self, commit: &str) -> String {
        let signers = format!(
            "gpg.ssh.allowedSignersFile={}",
            self.path().join("signers").display()
        );
        let revoked = format!(
            "gpg.ssh.revocationFile={}",
            self.path().join("revoked").display()
        );
        let format = [
            "-c",
            &signers,
            "-c",
            &revoked,
            "log",
            "-1",
            "--format=%G? %GK",
            commit,
        ];
        self.signer.git(self.path(), &format)
    }

    fn check(&self, revision: &str, keyring: &Keyring) -> Checked {
        let repository = LocalRepository::open(self.path()).expect("is one");
        let resolved = repository
            .resolve(revision, Branches::AsTheyAre)
            .expect("is there");
        let snapshot = repository.snapshot(&resolved).expect("is there");
        let signed = snapshot.signed().expect("is readable").expect("is in git");
        keyring.verify(&signed, now())
    }

    /// What we say of a commit, and git. In what git's letter says of keys
    /// that it does not know, the key's ID stands, too.
    #[track_caller]
    fn agrees(&self, commit: &str, keyring: &Keyring, wanted: Verdict) {
        let checked = self.check(commit, keyring);
        assert_eq!(checked.verdict, wanted);
        let letter = match wanted {
            Verdict::Good => "G",
            Verdict::Bad => "B",
            Verdict::ExpiredSignature => "X",
            Verdict::ExpiredKey => "Y",
            Verdict::RevokedKey => "R",
            Verdict::MissingKey => "E",
            Verdict::Unsigned => "N",
            Verdict::Unsupported(_) => unreachable!("git supports all of it"),
        };
        let judged = self.judged_by_git(commit);
        // git names no ssh key whose signature is bad.
        let key = match judged.contains(' ') {
            true => checked.key.as_str(),
            false => "",
        };
        assert_eq!(judged, format!("{letter} {key}").trim());
    }

    /// A commit like another, one word changed, the signature kept.
    fn tampered(&self, commit: &str) -> String {
        let text = self
            .signer
            .git(self.path(), &["cat-file", "commit", commit]);
        let path = self.path().join("tampered");
        fs::write(&path, text.replace("change", "chance") + "\n").expect("writes");
        let path = path.to_str().expect("UTF-8");
        self.signer
            .git(self.path(), &["hash-object", "-t", "commit", "-w", path])
    }
}

fn keyring(texts: &[(&str, &str)]) -> Keyring {
    Keyring::read(texts.iter().copied())
}

/// The last 16 digits.
fn short(fingerprint: &str) -> &str {
    &fingerprint[24..]
}

/// What reaches a server, and may fill that cache.
fn by(server: &Server, cache: Cache) -> (Locator, Access) {
    let mut locator = Locator::default();
    locator.cache = Some(cache);
    let settings = Settings {
        roots: Roots::Only(server.certificate.clone().into_bytes()),
        ..Settings::default()
    };
    let client = Client::new(settings).expect("is usable");
    (locator, Access::anonymous(client))
}

#[test]
fn each_kind_of_key_that_gpg_makes_signs_commits() {
    let Some(place) = Place::new() else { return };
    for algorithm in ["rsa2048", "rsa3072", "ed25519", "nistp256", "nistp384"] {
        let name = format!("{algorithm} <{algorithm}@example.org>");
        let key = place.signer.key(&name, algorithm, "sign", "never", &[]);
        let commit = place.commit(&key, "gpg");
        let public = place.signer.public(&key);
        let trusted = keyring(&[(short(&key), &public)]);
        assert_eq!(trusted.faults, Vec::<String>::new());
        println!("{algorithm}");
        place.agrees(&commit, &trusted, Verdict::Good);
        place.agrees(&place.tampered(&commit), &trusted, Verdict::Bad);
        let checked = place.check(&commit, &Keyring::default());
        assert_eq!(checked.verdict, Verdict::MissingKey);
        assert_eq!(checked.key, short(&key));
    }
    place.agrees(
        &place.commit("", ""),
        &Keyring::default(),
        Verdict::Unsigned,
    );
}

#[test]
fn a_subkey_signs_for_its_primary_key() {
    let Some(place) = Place::new() else { return };
    let key = place
        .signer
        .key("Ada <ada@example.org>", "ed25519", "cert", "never", &[]);
    place
        .signer
        .gpg(&["--quick-add-key", &key, "rsa2048", "encr", "never"]);
    place
        .signer
        .gpg(&["--quick-add-key", &key, "ed25519", "sign", "never"]);
    let commit = place.commit(&key, "gpg");
    let public = place.signer.public(&key);
    let trusted = keyring(&[(short(&key), &public)]);
    place.agrees(&commit, &trusted, Verdict::Good);
    let checked = place.check(&commit, &trusted);
    let subkey = place.signer.fingerprints(&key).remove(2);
    assert_eq!(checked.key, short(&subkey));
    assert_eq!(checked.primary.as_deref(), Some(short(&key)));
    place.signer.revoke(&key);
    let public = place.signer.public(&key);
    place.agrees(
        &commit,
        &keyring(&[(short(&key), &public)]),
        Verdict::RevokedKey,
    );
}

#[test]
fn expired_and_revoked_keys_are_told_apart() {
    let Some(place) = Place::new() else { return };
    let faked = ["--faked-system-time", "20200101T000000!"];
    let expired = place
        .signer
        .key("Old <old@example.org>", "ed25519", "sign", "1y", &faked);
    let commit = place.commit(&expired, "gpg-2020");
    let public = place.signer.public(&expired);
    place.agrees(
        &commit,
        &keyring(&[(short(&expired), &public)]),
        Verdict::ExpiredKey,
    );

    let lasting = place
        .signer
        .key("Own <own@example.org>", "ed25519", "sign", "never", &faked);
    let commit = place.commit(&lasting, "gpg-short");
    let public = place.signer.public(&lasting);
    let trusted = keyring(&[(short(&lasting), &public)]);
    place.agrees(&commit, &trusted, Verdict::ExpiredSignature);
    let commit = place.commit(&lasting, "gpg-2020");
    place.agrees(&commit, &trusted, Verdict::Good);
    // The owner sets an end: the newest word of the key counts.
    place.signer.gpg(&[
        "--faked-system-time",
        "20200601T000000!",
        "--quick-set-expire",
        &lasting,
        "1m",
    ]);
    let public = place.signer.public(&lasting);
    place.agrees(
        &commit,
        &keyring(&[(short(&lasting), &public)]),
        Verdict::ExpiredKey,
    );

    let revoked = place
        .signer
        .key("Gone <gone@example.org>", "rsa2048", "sign", "never", &[]);
    let commit = place.commit(&revoked, "gpg");
    place.signer.revoke(&revoked);
    let public = place.signer.public(&revoked);
    place.agrees(
        &commit,
        &keyring(&[(short(&revoked), &public)]),
        Verdict::RevokedKey,
    );
}

#[test]
fn what_is_weak_or_unknown_is_not_good() {
    let Some(place) = Place::new() else { return };
    let key = place
        .signer
        .key("Ada <ada@example.org>", "rsa2048", "sign", "never", &[]);
    let commit = place.commit(&key, "gpg-sha1");
    let public = place.signer.public(&key);
    let checked = place.check(&commit, &keyring(&[(short(&key), &public)]));
    let why = "SHA-1 is not safe for signatures any more";
    assert_eq!(checked.verdict, Verdict::Unsupported(why.to_owned()));
    let key = place.signer.key(
        "Bob <bob@example.org>",
        "brainpoolP256r1",
        "sign",
        "never",
        &[],
    );
    let public = place.signer.public(&key);
    let read = keyring(&[(short(&key), &public)]);
    assert!(
        read.faults[0].contains("has no valid signature"),
        "{:?}",
        read.faults
    );
    let key = place
        .signer
        .key("Eve <eve@example.org>", "rsa1024", "sign", "never", &[]);
    let public = place.signer.public(&key);
    let read = keyring(&[(short(&key), &public)]);
    assert!(
        read.faults[0].contains("has no valid signature"),
        "{:?}",
        read.faults
    );
}

#[test]
fn a_key_counts_under_its_own_name_only() {
    let Some(place) = Place::new() else { return };
    let key = place
        .signer
        .key("Ada <ada@example.org>", "ed25519", "sign", "never", &[]);
    let public = place.signer.public(&key);
    let commit = place.commit(&key, "gpg");
    let read = keyring(&[("0123456789ABCDEF", &public)]);
    let told = format!(
        "0123456789ABCDEF: the key in it is {}, and counts only under that name",
        short(&key)
    );
    assert_eq!(read.faults, [told]);
    assert_eq!(place.check(&commit, &read).verdict, Verdict::MissingKey);
    // As it is indented in a manifest, in small letters.
    let indented = public.replace('\n', "\n    ");
    let read = keyring(&[(&short(&key).to_lowercase(), &indented)]);
    assert_eq!(place.check(&commit, &read).verdict, Verdict::Good);
    let broken = keyring(&[(short(&key), "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc")]);
    assert!(
        broken.faults[0].ends_with("has no end"),
        "{:?}",
        broken.faults
    );
    // A flipped bit anywhere is no key, or not this one; nothing panics.
    for at in (0..public.len()).step_by(7) {
        let mut bytes = public.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        keyring(&[(short(&key), &text)]);
    }
}

#[test]
fn ssh_keys_sign_commits() {
    let Some(place) = Place::new() else { return };
    let kinds: [(&str, &[&str]); 3] = [
        ("ed", &["-t", "ed25519"]),
        ("ec", &["-t", "ecdsa"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ];
    for (name, kind) in kinds {
        let path = place.signer.ssh_key(name, kind);
        let public = fs::read_to_string(path.with_extension("pub")).expect("is there");
        let commit = place.commit(path.to_str().expect("UTF-8"), "gpg");
        let allow = |line: &str| {
            fs::write(place.path().join("signers"), line).expect("writes");
            keyring(&[(SSH_ALLOWED_SIGNERS, line)])
        };
        fs::write(place.path().join("revoked"), "").expect("writes");
        let trusted = allow(&format!("ada@example.org {public}"));
        println!("{name}");
        place.agrees(&commit, &trusted, Verdict::Good);
        place.agrees(&place.tampered(&commit), &trusted, Verdict::Bad);
        let trusted = allow(&format!(
            "ada@example.org namespaces=\"file,mail\" {public}"
        ));
        assert_eq!(place.check(&commit, &trusted).verdict, Verdict::MissingKey);
        let trusted = allow(&format!(
            "ada@example.org valid-before=\"20240101Z\" {public}"
        ));
        assert_eq!(place.check(&commit, &trusted).verdict, Verdict::ExpiredKey);
        let trusted = allow(&format!(
            "ada@example.org valid-after=\"20240101Z\" {public}"
        ));
        place.agrees(&commit, &trusted, Verdict::Good);
        fs::write(place.path().join("revoked"), &public).expect("writes");
        let line = format!("ada@example.org {public}");
        let trusted = keyring(&[(SSH_ALLOWED_SIGNERS, &line), (SSH_REVOKED_KEYS, &public)]);
        let checked = place.check(&commit, &trusted);
        assert_eq!(checked.verdict, Verdict::RevokedKey);
        assert!(checked.key.starts_with("SHA256:"), "{}", checked.key);
        assert!(!place.judged_by_git(&commit).starts_with('G'));
    }
}

#[test]
fn of_an_annotated_tag_the_tag_is_what_is_signed() {
    let Some(place) = Place::new() else { return };
    let key = place
        .signer
        .key("Ada <ada@example.org>", "ed25519", "sign", "never", &[]);
    let public = place.signer.public(&key);
    let trusted = keyring(&[(short(&key), &public)]);
    let commit = place.commit("", "");
    let options = place.signer.options(&key, "gpg");
    let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    arguments.extend(["tag", "-s", "-m", "release", "v1.0.0"]);
    place.signer.git(place.path(), &arguments);
    place
        .signer
        .git(place.path(), &["tag", "-a", "-m", "unsigned", "v0.9.0"]);
    let check = |revision: &str| place.check(revision, &trusted).verdict;
    assert_eq!(check("v1.0.0"), Verdict::Good);
    assert_eq!(check("v0.9.0"), Verdict::Unsigned);
    assert_eq!(check(">=1.0.0"), Verdict::Good);
    assert_eq!(check(&commit), Verdict::Unsigned);

    // The same over a remote: also where the commit is there already.
    let Some(server) = serve(place.path(), Behaviour::default()) else {
        return;
    };
    let cache = Cache::open(&place.path().join("cache"), Limits::default()).expect("opens");
    let (locator, access) = by(&server, cache);
    let repository = locator
        .repository(&server.url("/.git"), |_| Ok(access))
        .expect("is served");
    for (revision, wanted) in [
        ("main", Verdict::Unsigned),
        ("v1.0.0", Verdict::Good),
        ("v0.9.0", Verdict::Unsigned),
        (">=1.0.0", Verdict::Good),
    ] {
        let resolved = repository.resolve(revision).expect("is there");
        let snapshot = repository.fetch(&resolved).expect("is there");
        let signed = snapshot.signed().expect("is readable").expect("is in git");
        assert_eq!(trusted.verify(&signed, now()).verdict, wanted, "{revision}");
        if wanted == Verdict::Good {
            assert_eq!(signed.revision, "v1.0.0");
            assert_eq!(signed.author, "Ada <ada@example.org>");
        }
    }
}

#[test]
fn texts_signed_in_the_clear_are_verified() {
    let Some(signer) = signer() else { return };
    for (name, algorithm) in [("rsa", "rsa3072"), ("ed", "ed25519"), ("ec", "nistp256")] {
        let key = signer.key(name, algorithm, "sign", "never", &[]);
        let public = signer.public(&key);
        let keyring = keyring(&[(short(&key), &public)]);
        let check = |message: &str, keyring: &Keyring| {
            let signed = ClearSigned::read(message).expect("is one message");
            keyring.verify_clear(&signed, now())
        };
        for text in [
            "name: app\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: sha256:00\n",
            "- dashes\n--and more\nblanks at the end  \t\n\n\n",
            "ä without an end",
            "\n",
        ] {
            let message = signer.clear(&key, text);
            let checked = check(&message, &keyring);
            assert_eq!(checked.verdict, Verdict::Good, "{algorithm}: {message}");
            assert_eq!(checked.key, short(&key));
            let verdict = check(&message, &Keyring::default()).verdict;
            assert_eq!(verdict, Verdict::MissingKey);
            let other = message.replacen("\n\n", "\n\nfiles: {}\n", 1);
            assert_eq!(check(&other, &keyring).verdict, Verdict::Bad, "{other}");
        }
        // A signature of a commit is none of a text.
        let message = signer.clear(&key, "text\n");
        let detached = signer.path("detached");
        fs::write(signer.path("plain"), "text").expect("writes");
        signer.gpg(&[
            "--yes",
            "-u",
            &key,
            "-o",
            detached.to_str().expect("UTF-8"),
            "--armor",
            "--detach-sign",
            signer.path("plain").to_str().expect("UTF-8"),
        ]);
        let detached = fs::read_to_string(detached).expect("gpg wrote it");
        let (head, _) = message
            .split_once("-----BEGIN PGP SIGNATURE")
            .expect("has one");
        let verdict = check(&(head.to_owned() + &detached), &keyring).verdict;
        let told = Verdict::Unsupported("it is of kind 0".to_owned());
        assert_eq!(verdict, told);
    }
}

/// The commits that Argo CD's mode `strict` would verify, in words of git: seals
/// whose signature is good end the search, and the edge is looked at, too.
fn unsealed_by_git(place: &Place, head: &str) -> Vec<String> {
    let lines = |arguments: &[&str]| -> Vec<String> {
        let told = place.signer.git(place.path(), arguments);
        told.lines().map(str::to_owned).collect()
    };
    let seals = lines(&[
        "rev-list",
        "--pretty=format:%G?,%H",
        "--no-commit-header",
        "--grep=Argocd-gpg-seal:",
        "--regexp-ignore-case",
        head,
    ]);
    let good: Vec<&str> = seals
        .iter()
        .filter_map(|it| it.strip_prefix("G,"))
        .collect();
    let mut arguments = vec!["rev-list", "--pretty=format:%H", "--no-commit-header"];
    match good.first() {
        None => arguments.extend([head, "--"]),
        Some(first) if *first == head => arguments.extend([head, "-1", "--"]),
        Some(_) => {
            arguments.extend(["--boundary", head, "--not"]);
            arguments.extend(good);
        }
    }
    let mut found = lines(&arguments);
    found.sort();
    found
}

/// A repository with commits that say what they are.
impl Place {
    fn say(&self, key: &str, message: &str) -> String {
        let options = match key {
            "" => Vec::new(),
            key => self.signer.options(key, "gpg"),
        };
        let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        arguments.extend(["commit", "-q", "--allow-empty", "-m", message]);
        if !key.is_empty() {
            arguments.push("-S");
        }
        self.signer.git(self.path(), &arguments);
        self.signer.git(self.path(), &["rev-parse", "HEAD"])
    }

    fn merge(&self, key: &str, branch: &str) -> String {
        let options = self.signer.options(key, "gpg");
        let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        arguments.extend(["merge", "-q", "--no-ff", "-S", "-m", "merge", branch]);
        self.signer.git(self.path(), &arguments);
        self.signer.git(self.path(), &["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) {
        self.signer.git(self.path(), arguments);
    }
}

fn unsealed_by_us(mut history: History, keyring: &Keyring) -> Vec<String> {
    let is_good = |signed: &Signed| keyring.verify(signed, now()).verdict == Verdict::Good;
    let mut found = unsealed(&mut history, &is_good, &|_| false).expect("is readable");
    found.sort();
    found
}

#[test]
fn a_history_is_looked_at_back_to_its_seals() {
    let Some(place) = Place::new() else { return };
    let ada = place.signer.key("ada", "ed25519", "sign", "never", &[]);
    let public = place.signer.public(&ada);
    let eve = place.signer.key("eve", "ed25519", "sign", "never", &[]);
    let keyring = keyring(&[(short(&ada), &public)]);
    // What git takes for good is what is in its own keyring.
    let of_eve = place.signer.public(&eve);
    let both = self::keyring(&[(short(&ada), &public), (short(&eve), &of_eve)]);
    let url = place.path().display().to_string();
    let mut locator = Locator::default();
    locator.allow_file = true;
    let history = |head: &str| {
        let found = locator.repository(&url, |_| unreachable!("it is here"));
        let found = found.expect("is one");
        found.history(head).expect("is one")
    };
    let mut n_checked = 0;
    let mut check = |head: &str| {
        let ours = unsealed_by_us(history(head), &both);
        assert_eq!(ours, unsealed_by_git(&place, head), "{head}");
        n_checked += 1;
        ours.len()
    };
    let seal = "seal\n\nARGOCD-gpg-seal: reviewed";
    assert_eq!(check(&place.say(&ada, "first")), 1);
    assert_eq!(check(&place.say("", "unsigned")), 2);
    // A seal that nobody signed seals nothing.
    assert_eq!(check(&place.say("", seal)), 3);
    assert_eq!(check(&place.say(&ada, "signed")), 4);
    place.git(&["branch", "early"]);
    assert_eq!(check(&place.say(&ada, seal)), 1);
    assert_eq!(check(&place.say(&ada, "after")), 2);
    assert_eq!(check(&place.say("", "unsigned")), 3);
    // A branch from before the seal, merged behind it.
    place.git(&["checkout", "-q", "early"]);
    assert_eq!(check(&place.say(&ada, "aside")), 5);
    place.git(&["checkout", "-q", "main"]);
    assert_eq!(check(&place.merge(&ada, "early")), 6);
    // Two seals side by side, and a commit that follows both.
    place.git(&["checkout", "-q", "-b", "side"]);
    place.say(&ada, seal);
    place.say("", "of the side");
    place.git(&["checkout", "-q", "main"]);
    place.say(&ada, "of main");
    place.say(&ada, seal);
    let merged = place.merge(&ada, "side");
    check(&merged);
    check(&place.say("", "last"));
    assert_eq!(n_checked, 11);

    // Whose key is not trusted seals nothing either; git has it in its keyring.
    let sealed = place.say(&eve, seal);
    assert_eq!(
        unsealed_by_us(history(&sealed), &both),
        std::slice::from_ref(&sealed)
    );
    assert!(unsealed_by_us(history(&sealed), &keyring).len() > 2);
    // What is known already ends the search.
    let mut again = history(&sealed);
    let found = unsealed(&mut again, &|_| false, &|id| id == merged).expect("is readable");
    assert_eq!(found.len(), 2);
    // A clone without its history is not taken for one that has none.
    let shallow = place.path().join("shallow");
    let from = format!("file://{url}");
    let to = shallow.to_str().expect("UTF-8");
    place.git(&["clone", "-q", "--depth", "2", &from, to]);
    let found = locator.repository(to, |_| unreachable!("it is here"));
    let mut history = found.expect("is one").history(&sealed).expect("is one");
    let error = unsealed(&mut history, &|_| false, &|_| false);
    let error = error.expect_err("it is cut off").to_string();
    assert!(error.contains("ends in a shallow clone"), "{error}");
}

/// From a server: commits alone, no more than have to be looked at.
#[test]
fn a_history_is_fetched_as_far_as_it_is_read() {
    let Some(place) = Place::new() else { return };
    let ada = place.signer.key("ada", "ed25519", "sign", "never", &[]);
    let public = place.signer.public(&ada);
    let keyring = keyring(&[(short(&ada), &public)]);
    for n in 0..100 {
        fs::write(place.path().join("file"), format!("{n}")).expect("writes");
        place.git(&["add", "file"]);
        place.say("", "unsigned");
    }
    // Of one second are all that may stand in any order.
    let in_the_next_second = || std::thread::sleep(std::time::Duration::from_millis(1100));
    in_the_next_second();
    let seal = place.say(&ada, "seal\n\nArgocd-gpg-seal: reviewed");
    in_the_next_second();
    let after = place.say(&ada, "after");
    let Some(server) = serve(place.path(), Behaviour::default()) else {
        return;
    };
    let home = tempfile::tempdir().expect("a temporary directory");
    let open = |cache: &str| {
        let cache = Cache::open(&home.path().join(cache), Limits::default()).expect("opens");
        let (locator, access) = by(&server, cache.clone());
        let url = server.url("/.git");
        (
            locator.repository(&url, |_| Ok(access)).expect("is served"),
            cache,
        )
    };
    for filters in [true, false] {
        place.git(&["config", "uploadpack.allowFilter", &filters.to_string()]);
        let (repository, cache) = open(&format!("cache-{filters}"));
        let all = |head: &str, keyring: &Keyring| {
            unsealed_by_us(repository.history(head).expect("opens"), keyring)
        };
        let mut wanted = vec![seal.clone(), after.clone()];
        wanted.sort();
        assert_eq!(all(&after, &keyring), wanted);
        let counts = cache.counts();
        assert_eq!(counts.fetches, 1);
        match filters {
            true => assert_eq!(counts.objects, 64),
            false => assert!(counts.objects > 64, "{}", counts.objects),
        }
        // Nothing that is here is fetched again, and the snapshot is another thing.
        assert_eq!(all(&after, &keyring), wanted);
        assert_eq!(cache.counts().fetches, 1);
        let snapshot = repository
            .fetch(&repository.resolve("main").expect("is there"))
            .expect("is there");
        let tree = snapshot.tree().expect("is whole");
        assert_eq!(tree.read("file").expect("is there"), b"99");
        // Where nothing seals, all of it is.
        assert_eq!(all(&after, &Keyring::default()).len(), 102);
        let before = cache.counts();
        // The next commit costs one more.
        in_the_next_second();
        let next = place.say(&ada, "next");
        assert_eq!(all(&next, &keyring).len(), 3);
        if filters {
            assert_eq!(cache.counts().objects - before.objects, 1);
        }
        place.git(&["reset", "-q", "--hard", &after]);
    }
}

#[test]
fn histories_make_room_as_snapshots_do() {
    let Some(place) = Place::new() else { return };
    for name in ["one", "two"] {
        place.git(&["init", "-q", "-b", "main", name]);
        let message = format!("{name} {}", place.path().display());
        let commit = ["commit", "-q", "--allow-empty", "-m", &message];
        place.git(&[["-C", name].as_slice(), &commit].concat());
    }
    let Some(server) = serve(place.path(), Behaviour::default()) else {
        return;
    };
    let home = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::open(home.path(), Limits { bytes: 0 }).expect("opens");
    let (locator, access) = by(&server, cache.clone());
    for name in ["one", "two"] {
        let head = place
            .signer
            .git(&place.path().join(name), &["rev-parse", "HEAD"]);
        let url = server.url(&format!("/{name}/.git"));
        let repository = locator.repository(&url, |_| Ok(access.clone()));
        let history = repository.expect("is served").history(&head);
        let found = unsealed_by_us(history.expect("opens"), &Keyring::default());
        assert_eq!(found, [head]);
        assert_eq!(cache.usage().0, 1, "the one in use");
    }
}
