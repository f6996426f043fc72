// Command yaml prints what the YAML libraries of Kubernetes' tools do with
// given input, so that the tests can hold drupelet's own against it.
//
//	yaml parse  <cases.jsonl  one JSON string per line: a YAML document
//	yaml strict <cases.jsonl  the same, duplicate keys being errors
//	yaml emit   <cases.jsonl  one JSON value per line
//
// Each prints one line per case: {"ok":"..."} or {"error":"..."}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		text, err := answer(os.Args[1], in.Bytes())
		line := map[string]string{"ok": text}
		if err != nil {
			line = map[string]string{"error": err.Error()}
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line); err != nil {
			panic(err)
		}
	}
}

func answer(mode string, line []byte) (text string, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("panic: %v", broken)
		}
	}()
	switch mode {
	case "parse", "strict":
		var document string
		if err := json.Unmarshal(line, &document); err != nil {
			panic(err)
		}
		convert := yaml.YAMLToJSON
		if mode == "strict" {
			convert = yaml.YAMLToJSONStrict
		}
		out, err := convert([]byte(document))
		return string(out), err
	case "emit":
		out, err := yaml.JSONToYAML(line)
		return string(out), err
	}
	panic("unknown mode " + mode)
}
