package main

import (
	"path"
	"time"
	"unicode"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

type pair [2]raw

func init() {
	register("semver.all", func(v string) (map[string]any, error) {
		return map[string]any{
			"valid": semver.IsValid(v), "canonical": semver.Canonical(v), "major": semver.Major(v),
			"major_minor": semver.MajorMinor(v), "prerelease": semver.Prerelease(v),
			"build": semver.Build(v), "canonical_version": module.CanonicalVersion(v),
		}, nil
	})
	register("semver.compare", func(p [2]string) (int, error) { return semver.Compare(p[0], p[1]), nil })
	register("semver.sort", func(list []string) ([]string, error) { semver.Sort(list); return list, nil })

	register("pseudo.is", func(v string) (bool, error) { return module.IsPseudoVersion(v), nil })
	register("pseudo.time", func(v string) (string, error) {
		at, err := module.PseudoVersionTime(v)
		return at.Format(time.RFC3339), err
	})
	register("pseudo.rev", module.PseudoVersionRev)
	register("pseudo.base", module.PseudoVersionBase)
	register("pseudo.make", func(a struct {
		Major, Older, Rev string
		Time              time.Time
	}) (string, error) {
		return module.PseudoVersion(a.Major, a.Older, a.Time, a.Rev), nil
	})
	register("pseudo.zero", func(major string) (string, error) { return module.ZeroPseudoVersion(major), nil })

	register("module.check_path", func(p raw) (bool, error) { return true, module.CheckPath(string(p)) })
	register("module.check_import_path", func(p raw) (bool, error) { return true, module.CheckImportPath(string(p)) })
	register("module.check_file_path", func(p raw) (bool, error) { return true, module.CheckFilePath(string(p)) })
	register("module.check", func(p pair) (bool, error) { return true, module.Check(string(p[0]), string(p[1])) })
	register("module.escape_path", func(p raw) (string, error) { return module.EscapePath(string(p)) })
	register("module.unescape_path", func(p raw) (string, error) { return module.UnescapePath(string(p)) })
	register("module.escape_version", func(p raw) (string, error) { return module.EscapeVersion(string(p)) })
	register("module.unescape_version", func(p raw) (string, error) { return module.UnescapeVersion(string(p)) })
	register("module.split_path_version", func(p raw) ([]any, error) {
		prefix, pathMajor, ok := module.SplitPathVersion(string(p))
		return []any{raw(prefix), raw(pathMajor), ok}, nil
	})
	register("module.check_path_major", func(p [2]string) (bool, error) {
		return true, module.CheckPathMajor(p[0], p[1])
	})
	register("module.match_prefix_patterns", func(p pair) (bool, error) {
		return module.MatchPrefixPatterns(string(p[0]), string(p[1])), nil
	})
	register("path.match", func(p pair) (bool, error) { return path.Match(string(p[0]), string(p[1])) })
	register("unicode.letters", func(struct{}) ([][2]rune, error) { return runs(unicode.IsLetter), nil })
	register("unicode.printable", func(struct{}) ([][2]rune, error) { return runs(unicode.IsPrint), nil })
}

// runs lists the first and last of each run of characters that have a property.
func runs(has func(rune) bool) [][2]rune {
	var found [][2]rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !has(r) {
			continue
		}
		if n := len(found); n > 0 && found[n-1][1] == r-1 {
			found[n-1][1] = r
		} else {
			found = append(found, [2]rune{r, r})
		}
	}
	return found
}
