// The oracle of the template functions: Helm's own function map under the
// real text/template.
//
//	oracle record DIR   for every DIR/NAME.txt write DIR/NAME.jsonl
//	oracle serve        one JSON string (a template) a line on stdin, one answer a line
//
// A case is a line of the text file; empty lines and lines that start with
// "# " are skipped. "@@" in a case stands for each of DIR/args.list in turn, "%%"
// for each name of the nearest line "%% name name" above it.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"unicode/utf8"
	_ "unsafe"

	_ "helm.sh/helm/v4/pkg/engine"
)

//go:linkname helmFuncMap helm.sh/helm/v4/pkg/engine.funcMap
func helmFuncMap() template.FuncMap

// Answer is what became of a template: its output (in base64 where it is not
// UTF-8) or its error.
type Answer struct {
	Template string  `json:"t"`
	Output   *string `json:"o,omitempty"`
	Bytes    *string `json:"b,omitempty"`
	Error    *string `json:"e,omitempty"`
}

var funcs template.FuncMap

func run(text string, dot any) (answer Answer) {
	answer.Template = text
	fail := func(err error) Answer {
		// One U+FFFD for each byte that is not UTF-8.
		msg := string([]rune(err.Error()))
		answer.Error = &msg
		return answer
	}
	t, err := template.New("c").Option("missingkey=zero").Funcs(funcs).Parse(text)
	if err != nil {
		return fail(err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, dot); err != nil {
		return fail(err)
	}
	// As Engine.Render does after the execution.
	s := strings.ReplaceAll(out.String(), "<no value>", "")
	if utf8.ValidString(s) {
		answer.Output = &s
	} else {
		b := base64.StdEncoding.EncodeToString([]byte(s))
		answer.Bytes = &b
	}
	return answer
}

func lines(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var found []string
	for _, line := range strings.Split(string(text), "\n") {
		if line != "" && !strings.HasPrefix(line, "# ") {
			found = append(found, line)
		}
	}
	return found
}

func record(dir string, dot func() any) {
	args := lines(filepath.Join(dir, "args.list"))
	files, _ := filepath.Glob(filepath.Join(dir, "*.txt"))
	for _, file := range files {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		one := func(text string) {
			if err := encoder.Encode(run(text, dot())); err != nil {
				panic(err)
			}
		}
		var names []string
		for _, line := range lines(file) {
			if rest, ok := strings.CutPrefix(line, "%% "); ok {
				names = strings.Fields(rest)
				continue
			}
			cases := []string{line}
			if strings.Contains(line, "%%") {
				cases = nil
				for _, name := range names {
					cases = append(cases, strings.ReplaceAll(line, "%%", name))
				}
			}
			for _, c := range cases {
				if !strings.Contains(c, "@@") {
					one(c)
					continue
				}
				for _, arg := range args {
					one(strings.ReplaceAll(c, "@@", arg))
				}
			}
		}
		to := strings.TrimSuffix(file, ".txt") + ".jsonl"
		if err := os.WriteFile(to, out.Bytes(), 0o644); err != nil {
			panic(err)
		}
	}
}

func serve(dot func() any) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		if err := encoder.Encode(run(text, dot())); err != nil {
			panic(err)
		}
	}
	out.Flush()
}

func main() {
	funcs = maps.Clone(helmFuncMap())
	// As the engine does without --enable-dns.
	funcs["getHostByName"] = func(string) string { return "" }
	// The engine marks the text of a failure so as to find it again.
	funcs["fail"] = func(msg string) (string, error) {
		return "", errors.New("HELM_ERR_START" + msg + "HELM_ERR_END")
	}
	dot := func() any { return map[string]any{} }
	if len(os.Args) > 2 && os.Args[1] == "record" {
		data, err := os.ReadFile(filepath.Join(os.Args[2], "values.json"))
		if err != nil {
			panic(err)
		}
		// Read anew for each case: set and merge change what they are given.
		record(os.Args[2], func() any {
			var v map[string]any
			if err := json.Unmarshal(data, &v); err != nil {
				panic(err)
			}
			return v
		})
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve(dot)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "names" {
		for name := range funcs {
			fmt.Println(name)
		}
		return
	}
	fmt.Fprintln(os.Stderr, "usage: oracle record DIR | serve | names")
	os.Exit(2)
}
