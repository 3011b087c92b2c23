// This file is laid over the go command's own package modindex, so that a test can ask it how it
// reads Go files; see tests/oracle/gocommand.py.
package modindex

import "cmd/go/internal/imports"

// ScannedFile is what `go mod tidy` takes from one file.
type ScannedFile struct {
	Name        string
	Imports     []string
	TestImports []string
	Built       bool
}

// ScannedDir is what it takes from a directory.
type ScannedDir struct {
	IsGoDir     bool
	Imports     []string
	TestImports []string
	Built       bool
	Files       []ScannedFile
}

// ScanFiles reads a directory as if it were in the module cache.
func ScanFiles(dir string) ScannedDir {
	raw := importRaw(dir, "")
	var all ScannedDir
	all.Imports, all.TestImports, all.Built = scan(raw)
	all.IsGoDir, _ = index(raw).IsGoDir()
	for _, file := range raw.sourceFiles {
		one := &rawPackage{sourceFiles: []*rawFile{file}}
		imported, tested, built := scan(one)
		all.Files = append(all.Files, ScannedFile{file.name, imported, tested, built})
	}
	return all
}

func scan(raw *rawPackage) (imported, tested []string, built bool) {
	imported, tested, err := index(raw).ScanDir(imports.AnyTags())
	if err != nil && err != imports.ErrNoGo {
		panic(err)
	}
	return imported, tested, err == nil
}

func index(raw *rawPackage) *IndexPackage {
	read, err := packageFromBytes("", encodePackageBytes(raw))
	if err != nil {
		panic(err)
	}
	return read
}
