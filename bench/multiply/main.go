// Command multiply writes a GOPROXY tree with the module versions of another one and copies of them
// under new paths: host/rest becomes host/copyN/rest in the zips' names, in go.mod files and in the
// imports of Go files, so that each copy is a world of its own and its graph closes.
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
	"strconv"
	"strings"
	"sync"
	"unicode"
)

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

// write copies one file of the tree; name is its path below it, slashes and escapes as on disk.
func (c copier) write(name string) error {
	escaped, file, _ := strings.Cut(name, "/@")
	path := unescape(escaped)
	source := filepath.Join(c.from, filepath.FromSlash(name))
	target := filepath.Join(c.to, escape(c.rename(path)), "@"+file)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	switch {
	case c.n == 0 || !strings.HasSuffix(file, ".mod") && !strings.HasSuffix(file, ".zip"):
		os.Remove(target)
		return os.Link(source, target)
	case strings.HasSuffix(file, ".zip"):
		version := unescape(strings.TrimSuffix(strings.TrimPrefix(file, "v/"), ".zip"))
		return c.zip(path, version, source, target)
	}
	mod, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return os.WriteFile(target, c.goMod(mod), 0o644)
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

func (c copier) zip(path, version, source, target string) error {
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
	prefix := path + "@" + version + "/"
	for _, entry := range reader.File {
		inner := strings.TrimPrefix(entry.Name, prefix)
		name := c.rename(path) + "@" + version + "/" + inner
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

func unescape(text string) string {
	parts := strings.Split(text, "!")
	for i, part := range parts {
		if i > 0 && part != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// files lists the protocol's files below a tree, and the module paths they belong to.
func files(tree string) (names []string, paths map[string]bool, err error) {
	paths = map[string]bool{}
	err = filepath.WalkDir(tree, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(tree, file)
		name = filepath.ToSlash(name)
		escaped, _, found := strings.Cut(name, "/@")
		if err == nil && found {
			names = append(names, name)
			paths[unescape(escaped)] = true
		}
		return err
	})
	return names, paths, err
}

func main() {
	from := flag.String("from", "", "tree to read")
	to := flag.String("to", "", "tree to write")
	copies := flag.Int("copies", 1, "how many times the modules, the originals counted")
	flag.Parse()
	names, paths, err := files(*from)
	if err != nil {
		log.Fatal(err)
	}
	type job struct {
		copier
		name string
	}
	jobs := make(chan job)
	var group sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := range jobs {
				if err := j.write(j.name); err != nil {
					log.Fatalf("%s: %v", j.name, err)
				}
			}
		}()
	}
	for n := 0; n < *copies; n++ {
		for _, name := range names {
			jobs <- job{copier{*from, *to, n, paths}, name}
		}
	}
	close(jobs)
	group.Wait()
}
