//! The binary: everything is in `drupelet::cli`.

fn main() -> std::process::ExitCode {
    drupelet::cli::main()
}
