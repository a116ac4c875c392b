//! One process has a folder.

use platform::RealDisk;

#[test]
fn a_second_process_is_kept_out() {
    let root = std::env::temp_dir().join(format!("counterfoil-lock-{}", std::process::id()));
    let [one, two] = [(); 2].map(|()| RealDisk::new(&root).unwrap());
    let held = one.hold().unwrap().expect("nobody has it");
    assert!(two.hold().unwrap().is_none(), "it is taken");
    drop(held);
    assert!(two.hold().unwrap().is_some(), "the lock goes with who has it");
    assert_eq!(std::fs::read(root.join("lock")).unwrap(), b"", "the lock stays empty");
    std::fs::remove_dir_all(root).unwrap();
}
