module drupelet/tests/oracle/glob

go 1.26

require (
	github.com/bmatcuk/doublestar/v4 v4.10.4
	github.com/gobwas/glob v0.2.3
)
