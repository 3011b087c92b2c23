// Command oracle answers questions about Go's own rules, so that gopack's tests can compare.
//
// It reads one JSON request a line, {"op": "semver.compare", "arg": ...}, and writes one JSON
// answer a line, {"ok": ...} or {"error": "..."}, in order. Each topic is a file of its own that
// registers its operations in init. Text that may not be UTF-8 travels as
// raw (see raw.go), or as base64 ([]byte here).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// operation answers one request; an error is Go's refusal, not a failure of the program.
type operation func(arg json.RawMessage) (any, error)

var operations = map[string]operation{}

// register adds an operation with a typed argument and answer.
func register[A, R any](name string, run func(A) (R, error)) {
	if operations[name] != nil {
		panic("registered twice: " + name)
	}
	operations[name] = func(raw json.RawMessage) (any, error) {
		var arg A
		if err := json.Unmarshal(raw, &arg); err != nil {
			fmt.Fprintf(os.Stderr, "oracle: %s: bad argument %s: %v\n", name, raw, err)
			os.Exit(2)
		}
		return run(arg)
	}
}

type request struct {
	Op  string          `json:"op"`
	Arg json.RawMessage `json:"arg"`
}

type answer struct {
	OK    any    `json:"ok"`
	Error string `json:"error,omitempty"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for decoder.More() {
		var asked request
		if err := decoder.Decode(&asked); err != nil {
			fmt.Fprintf(os.Stderr, "oracle: bad request: %v\n", err)
			os.Exit(2)
		}
		run := operations[asked.Op]
		if run == nil {
			fmt.Fprintf(os.Stderr, "oracle: no operation %q\n", asked.Op)
			os.Exit(2)
		}
		if err := encoder.Encode(answered(run, asked.Arg)); err != nil {
			fmt.Fprintf(os.Stderr, "oracle: %s: %v\n", asked.Op, err)
			os.Exit(2)
		}
	}
	out.Flush()
}

// answered turns a refusal, or a panic on purpose in x/mod, into an answer with an error.
func answered(run operation, arg json.RawMessage) (result answer) {
	defer func() {
		if cause := recover(); cause != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	value, err := run(arg)
	if err != nil {
		return answer{Error: "refused: " + err.Error()}
	}
	return answer{OK: value}
}
