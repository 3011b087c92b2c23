package main

import (
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// listed is a file that is going to be packed, as zip.CheckFiles sees it.
type listed struct {
	Name  []byte
	Bytes int64
	Kind  string
	Text  string
}

func (l listed) Path() string                 { return string(l.Name) }
func (l listed) Lstat() (os.FileInfo, error)  { return listedInfo{l}, nil }
func (l listed) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(l.Text)), nil }

type listedInfo struct{ of listed }

func (i listedInfo) Name() string       { return string(i.of.Name) }
func (i listedInfo) Size() int64        { return i.of.Bytes }
func (i listedInfo) ModTime() time.Time { return time.Time{} }
func (i listedInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i listedInfo) Sys() any           { return nil }
func (i listedInfo) Mode() os.FileMode {
	return map[string]os.FileMode{
		"file": 0o644, "folder": os.ModeDir | 0o755, "symlink": os.ModeSymlink, "other": os.ModeDevice,
	}[i.of.Kind]
}

// checked is zip.CheckedFiles without the wording of its reasons.
type checked struct {
	Valid, Omitted, Invalid [][]byte
	TooLarge                bool
	Failed                  bool
}

func newChecked(cf zip.CheckedFiles, err error) checked {
	c := checked{TooLarge: cf.SizeError != nil, Failed: err != nil}
	for _, p := range cf.Valid {
		c.Valid = append(c.Valid, []byte(p))
	}
	for _, e := range cf.Omitted {
		c.Omitted = append(c.Omitted, []byte(e.Path))
	}
	for _, e := range cf.Invalid {
		c.Invalid = append(c.Invalid, []byte(e.Path))
	}
	return c
}

func init() {
	register("zip.check_files", func(files []listed) (checked, error) {
		var list []zip.File
		for _, f := range files {
			list = append(list, f)
		}
		cf, err := zip.CheckFiles(list)
		return newChecked(cf, err), nil
	})
	register("zip.check_zip", func(a struct{ Path, Version, File string }) (checked, error) {
		cf, err := zip.CheckZip(module.Version{Path: a.Path, Version: a.Version}, a.File)
		return newChecked(cf, err), nil
	})
	register("zip.unzip", func(a struct{ Path, Version, File string }) (bool, error) {
		folder, err := os.MkdirTemp("", "oracle-unzip")
		if err != nil {
			return false, err
		}
		defer os.RemoveAll(folder)
		return true, zip.Unzip(folder, module.Version{Path: a.Path, Version: a.Version}, a.File)
	})
	register("zip.hash", func(file string) (string, error) { return dirhash.HashZip(file, dirhash.Hash1) })
	register("dirhash.go_mod", func(text string) (string, error) {
		return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text)), nil
		})
	})
	// The least character of those that strings.EqualFold takes for one, if it is another one.
	register("unicode.folds", func(struct{}) ([][2]rune, error) {
		var found [][2]rune
		for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
			least := r
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				least = min(least, f)
			}
			if least < utf8.RuneSelf {
				least = unicode.ToLower(least)
			}
			if least != r {
				found = append(found, [2]rune{r, least})
			}
		}
		return found, nil
	})
}
