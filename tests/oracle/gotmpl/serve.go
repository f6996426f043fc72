package main

import (
	"bufio"
	"encoding/json"
	"io"
)

// A request of the fuzzer: templates by name, in the order in which they are
// parsed; the last is executed.
type request struct {
	Files  [][2]string    `json:"files"`
	Values map[string]any `json:"values"`
	Strict bool           `json:"strict"`
}

// The answer: bytes as base64, since they need not be UTF-8.
type answer struct {
	Output []byte `json:"output"`
	Error  []byte `json:"error,omitempty"`
	Failed bool   `json:"failed"`
}

func serve(in io.Reader, out io.Writer) {
	reader := bufio.NewReaderSize(in, 1<<20)
	writer := bufio.NewWriter(out)
	decoder := json.NewDecoder(reader)
	encoder := json.NewEncoder(writer)
	for {
		var r request
		if err := decoder.Decode(&r); err != nil {
			if err != io.EOF {
				panic(err)
			}
			return
		}
		data := r.Values
		if data == nil {
			data = map[string]any{}
		}
		data["T"] = typed()
		last := r.Files[len(r.Files)-1]
		c := testCase{strict: r.Strict, files: r.Files[:len(r.Files)-1], main: last[1]}
		result := c.run(data)
		a := answer{Output: []byte(result.output)}
		if result.err != nil {
			a = answer{Error: []byte(result.err.Error()), Failed: true}
		}
		if err := encoder.Encode(a); err != nil {
			panic(err)
		}
		// One answer for one request: the other side waits for it.
		writer.Flush()
	}
}
