// Command upstream serves a GOPROXY tree on the loopback interface, as fast as the kernel can send
// files, each answer after an injected delay. It prints its address once it listens, and ends when
// its standard input ends, so that it never outlives the benchmark. With -fill it first fetches
// what the tree lacks from another proxy and keeps it, the checksum database below /sumdb/ too: that
// is how the tree comes to be.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

type server struct {
	tree     string
	fill     string
	delay    time.Duration
	requests atomic.Int64
	bytes    atomic.Int64
	asked304 atomic.Int64 // conditional requests
	said304  atomic.Int64
	missing  atomic.Int64
	zips     atomic.Int64 // bodies of zips, not their sizes alone
}

// counted notes what is answered.
type counted struct {
	http.ResponseWriter
	*server
}

func (c counted) WriteHeader(status int) {
	switch status {
	case http.StatusNotModified:
		c.said304.Add(1)
	case http.StatusNotFound:
		c.missing.Add(1)
	}
	c.ResponseWriter.WriteHeader(status)
}

// ReadFrom lets the kernel send files.
func (c counted) ReadFrom(from io.Reader) (int64, error) {
	return io.Copy(c.ResponseWriter, from)
}

// stats tells what was asked since it was last told.
func (s *server) stats() map[string]int64 {
	return map[string]int64{
		"requests":     s.requests.Swap(0),
		"bytes":        s.bytes.Swap(0),
		"conditional":  s.asked304.Swap(0),
		"not_modified": s.said304.Swap(0),
		"missing":      s.missing.Swap(0),
		"zips":         s.zips.Swap(0),
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/-/stats" {
		json.NewEncoder(w).Encode(s.stats())
		return
	}
	s.requests.Add(1)
	if r.Header.Get("If-None-Match") != "" {
		s.asked304.Add(1)
	}
	if strings.HasSuffix(r.URL.Path, ".zip") && r.Header.Get("Range") != "bytes=0-0" {
		s.zips.Add(1)
	}
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	s.file(counted{w, s}, r)
}

func (s *server) file(w http.ResponseWriter, r *http.Request) {
	path := filepath.Clean(r.URL.Path)
	name := filepath.Join(s.tree, filepath.FromSlash(path))
	file, err := os.Open(name)
	if err != nil && s.fill != "" && s.fetch(path, name) == nil {
		file, err = os.Open(name)
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil || !about.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	if r.Method == http.MethodGet && r.Header.Get("Range") == "" {
		s.bytes.Add(about.Size())
	}
	w.Header().Set("Content-Type", contentType(path))
	w.Header().Set("ETag", fmt.Sprintf("\"%x-%x\"", about.ModTime().UnixNano(), about.Size()))
	http.ServeContent(w, r, "", about.ModTime(), file) // ranges, HEAD, sendfile
}

func (s *server) fetch(path, name string) error {
	answer, err := http.Get(s.fill + path)
	if err != nil {
		log.Print(err)
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(name), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	if _, err := io.Copy(part, answer.Body); err != nil {
		log.Print(err)
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	return os.Rename(part.Name(), name)
}

func contentType(path string) string {
	switch filepath.Ext(path) {
	case ".zip":
		return "application/zip"
	case ".info":
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

func main() {
	tree := flag.String("tree", "", "folder to serve")
	fill := flag.String("fill", "", "URL of a proxy to fetch from what the tree lacks")
	delay := flag.Duration("delay", 0, "wait this long before each answer")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, &server{tree: *tree, fill: *fill, delay: *delay}))
}
