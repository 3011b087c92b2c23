// Command multiply writes a GOPROXY tree with the module versions of another one and copies of them
// under new paths: host/rest becomes host/copyN/rest in the zips' names, in go.mod files and in the
// imports of Go files, so that each copy is a world of its own and its graph closes. It reads
// `module@version` lines and prints those of the new tree.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

type version struct{ path, version string }

// copier writes copy number n; paths holds the module paths that are renamed.
type copier struct {
	from, to string
	n        int
	paths    map[string]bool
}

func (c copier) rename(path string) string {
	if c.n == 0 {
		return path
	}
	first, rest, found := strings.Cut(path, "/")
	if !found {
		return fmt.Sprintf("%s/copy%d", first, c.n)
	}
	return fmt.Sprintf("%s/copy%d/%s", first, c.n, rest)
}

func (c copier) write(v version) error {
	source := filepath.Join(c.from, escape(v.path), "@v", escape(v.version))
	target := filepath.Join(c.to, escape(c.rename(v.path)), "@v", escape(v.version))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if c.n == 0 {
		for _, suffix := range []string{".info", ".mod", ".zip"} {
			os.Remove(target + suffix)
			if err := os.Link(source+suffix, target+suffix); err != nil {
				return err
			}
		}
		return nil
	}
	info, err := os.ReadFile(source + ".info")
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(source + ".mod")
	if err != nil {
		return err
	}
	if err := os.WriteFile(target+".info", info, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(target+".mod", c.goMod(mod), 0o644); err != nil {
		return err
	}
	return c.zip(v, source+".zip", target+".zip")
}

// goMod renames every word of a go.mod that is a known module path.
func (c copier) goMod(text []byte) []byte {
	separator := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()[]\",`", r) }
	var out bytes.Buffer
	for len(text) > 0 {
		end := bytes.IndexFunc(text, separator)
		if end < 0 {
			end = len(text)
		}
		if word := string(text[:end]); c.paths[word] {
			out.WriteString(c.rename(word))
		} else {
			out.Write(text[:end])
		}
		next := min(end+1, len(text))
		out.Write(text[end:next])
		text = text[next:]
	}
	return out.Bytes()
}

func (c copier) zip(v version, source, target string) error {
	reader, err := zip.OpenReader(source)
	if err != nil {
		return err
	}
	defer reader.Close()
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 1<<20)
	writer := zip.NewWriter(buffered)
	prefix := v.path + "@" + v.version + "/"
	for _, entry := range reader.File {
		inner := strings.TrimPrefix(entry.Name, prefix)
		name := c.rename(v.path) + "@" + v.version + "/" + inner
		if err := c.entry(writer, entry, inner, name); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

func (c copier) entry(writer *zip.Writer, entry *zip.File, inner, name string) error {
	var changed []byte
	if inner == "go.mod" || strings.HasSuffix(inner, ".go") {
		body, err := read(entry)
		if err != nil {
			return err
		}
		if inner == "go.mod" {
			changed = c.goMod(body)
		} else {
			changed = c.imports(body)
		}
	}
	if changed == nil {
		header := entry.FileHeader
		header.Name = name
		raw, err := entry.OpenRaw()
		if err != nil {
			return err
		}
		into, err := writer.CreateRaw(&header)
		if err != nil {
			return err
		}
		_, err = io.Copy(into, raw)
		return err
	}
	into, err := writer.Create(name)
	if err != nil {
		return err
	}
	_, err = into.Write(changed)
	return err
}

// imports renames the imports of known modules; nil where there is nothing to rename.
func (c copier) imports(body []byte) []byte {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, "", body, parser.ImportsOnly)
	if err != nil || tree == nil {
		return nil
	}
	var out bytes.Buffer
	done := 0
	for _, spec := range tree.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !c.known(path) {
			continue
		}
		at := files.PositionFor(spec.Path.Pos(), false).Offset
		out.Write(body[done:at])
		out.WriteString(strconv.Quote(c.rename(path)))
		done = at + len(spec.Path.Value)
	}
	if done == 0 {
		return nil
	}
	out.Write(body[done:])
	return out.Bytes()
}

func (c copier) known(path string) bool {
	for {
		if c.paths[path] {
			return true
		}
		slash := strings.LastIndexByte(path, '/')
		if slash < 0 {
			return false
		}
		path = path[:slash]
	}
}

func read(entry *zip.File) ([]byte, error) {
	reader, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

func escape(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsUpper(r) {
			out.WriteByte('!')
			r = unicode.ToLower(r)
		}
		out.WriteRune(r)
	}
	return out.String()
}

func main() {
	from := flag.String("from", "", "tree to read")
	to := flag.String("to", "", "tree to write")
	copies := flag.Int("copies", 1, "how many times the versions, the originals counted")
	flag.Parse()
	var versions []version
	paths := map[string]bool{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		path, at, _ := strings.Cut(lines.Text(), "@")
		versions = append(versions, version{path, at})
		paths[path] = true
	}
	type job struct {
		copier
		version
	}
	jobs := make(chan job)
	var group sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := range jobs {
				if err := j.copier.write(j.version); err != nil {
					log.Fatalf("%s@%s: %v", j.path, j.version.version, err)
				}
			}
		}()
	}
	var names []string
	for n := 0; n < *copies; n++ {
		c := copier{*from, *to, n, paths}
		for _, v := range versions {
			names = append(names, c.rename(v.path)+"@"+v.version)
			jobs <- job{c, v}
		}
	}
	close(jobs)
	group.Wait()
	sort.Strings(names)
	fmt.Println(strings.Join(names, "\n"))
}
