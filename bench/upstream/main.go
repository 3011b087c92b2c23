// Command upstream serves a GOPROXY tree on the loopback interface, as fast as the kernel can send
// files, each answer after an injected delay. It prints its address once it listens, and ends when
// its standard input ends, so that it never outlives the benchmark.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"time"
)

type server struct {
	tree     string
	delay    time.Duration
	requests atomic.Int64
	bytes    atomic.Int64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/-/stats" {
		fmt.Fprintf(w, "{\"requests\": %d, \"bytes\": %d}\n", s.requests.Swap(0), s.bytes.Swap(0))
		return
	}
	s.requests.Add(1)
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	if path, ok := strings.CutSuffix(r.URL.Path, "/@v/list"); ok {
		s.list(w, r, path)
		return
	}
	s.file(w, r)
}

// list answers with the versions whose zips are there. The tree's own list files are not used: the
// go command writes them as it goes.
func (s *server) list(w http.ResponseWriter, r *http.Request, path string) {
	zips, _ := filepath.Glob(filepath.Join(s.tree, filepath.FromSlash(path), "@v", "*.zip"))
	if len(zips) == 0 {
		http.NotFound(w, r)
		return
	}
	versions := make([]string, 0, len(zips))
	for _, zip := range zips {
		version := strings.TrimSuffix(filepath.Base(zip), ".zip")
		if strings.Count(version, "-") < 2 { // pseudo-versions are not listed
			versions = append(versions, version)
		}
	}
	sort.Strings(versions)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, strings.Join(versions, "\n")+"\n")
}

func (s *server) file(w http.ResponseWriter, r *http.Request) {
	file, err := os.Open(filepath.Join(s.tree, filepath.FromSlash(filepath.Clean(r.URL.Path))))
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
	s.bytes.Add(about.Size())
	w.Header().Set("Content-Type", contentType(r.URL.Path))
	w.Header().Set("ETag", fmt.Sprintf("\"%x-%x\"", about.ModTime().UnixNano(), about.Size()))
	http.ServeContent(w, r, "", about.ModTime(), file) // ranges, HEAD, sendfile
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
	log.Fatal(http.Serve(listener, &server{tree: *tree, delay: *delay}))
}
