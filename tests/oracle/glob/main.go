// Command glob says what the glob libraries of Argo CD match: one JSON line
// [pattern, text] in, [gobwas without separators, gobwas with '/',
// doublestar] out, each true, false or null for a bad pattern; "panic" where
// gobwas does that.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/gobwas/glob"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.Scan() {
		var question [2]string
		if err := json.Unmarshal(in.Bytes(), &question); err != nil {
			panic(err)
		}
		pattern, text := question[0], question[1]
		answer := []any{gobwas(pattern, text), gobwas(pattern, text, '/'), nil}
		if doublestar.ValidatePattern(pattern) {
			if matched, err := doublestar.Match(pattern, text); err == nil {
				answer[2] = matched
			}
		}
		if err := encoder.Encode(answer); err != nil {
			panic(err)
		}
	}
}

func gobwas(pattern, text string, separators ...rune) (answer any) {
	defer func() {
		if recover() != nil {
			answer = "panic"
		}
	}()
	compiled, err := glob.Compile(pattern, separators...)
	if err != nil {
		return nil
	}
	return compiled.Match(text)
}
