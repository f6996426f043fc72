// Lets main.go name a function of another package (go:linkname).
