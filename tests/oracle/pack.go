package main

import (
	"os"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// because is a path, which may not be UTF-8, and Go's reason.
type because struct {
	Path   []byte
	Reason string
}

type reasoned struct {
	Valid            [][]byte
	Omitted, Invalid []because
	Size             string
}

func newReasoned(cf zip.CheckedFiles, root string) reasoned {
	inside := func(p string) []byte { return []byte(strings.TrimPrefix(p, root+"/")) }
	list := func(found []zip.FileError) (all []because) {
		for _, e := range found {
			all = append(all, because{inside(e.Path), e.Err.Error()})
		}
		return all
	}
	r := reasoned{Omitted: list(cf.Omitted), Invalid: list(cf.Invalid)}
	for _, p := range cf.Valid {
		r.Valid = append(r.Valid, inside(p))
	}
	if cf.SizeError != nil {
		r.Size = cf.SizeError.Error()
	}
	return r
}

func init() {
	register("zip.check_dir", func(dir string) (reasoned, error) {
		cf, _ := zip.CheckDir(dir)
		return newReasoned(cf, dir), nil
	})
	register("zip.create_from_dir", func(a struct{ Path, Version, Dir, File string }) (string, error) {
		f, err := os.Create(a.File)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if err := zip.CreateFromDir(f, module.Version{Path: a.Path, Version: a.Version}, a.Dir); err != nil {
			return "", err
		}
		return dirhash.HashZip(a.File, dirhash.Hash1)
	})
	register("zip.create_from_vcs", func(a struct{ Path, Version, Dir, Rev, Subdir, File string }) (string, error) {
		f, err := os.Create(a.File)
		if err != nil {
			return "", err
		}
		defer f.Close()
		m := module.Version{Path: a.Path, Version: a.Version}
		if err := zip.CreateFromVCS(f, m, a.Dir, a.Rev, a.Subdir); err != nil {
			return "", err
		}
		return dirhash.HashZip(a.File, dirhash.Hash1)
	})
}
