// Command goscan tells how the go command reads the Go files of directories, one a line on
// standard input, as one JSON object a line.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"cmd/go/internal/modindex"
)

func main() {
	directories := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for directories.Scan() {
		if err := out.Encode(modindex.ScanFiles(directories.Text())); err != nil {
			panic(err)
		}
	}
}
