package main

import (
	"encoding/json"
	"go/version"
	"time"
)

// revInfo has the fields of the go command's modfetch.RevInfo and codehost.Origin.
type revInfo struct {
	Version string
	Time    time.Time
	Name    string  `json:"-"`
	Short   string  `json:"-"`
	Origin  *origin `json:",omitempty"`
}

type origin struct {
	VCS       string `json:",omitempty"`
	URL       string `json:",omitempty"`
	Subdir    string `json:",omitempty"`
	Hash      string `json:",omitempty"`
	TagPrefix string `json:",omitempty"`
	TagSum    string `json:",omitempty"`
	Ref       string `json:",omitempty"`
	RepoSum   string `json:",omitempty"`
}

func init() {
	// go/version is the public face of the go command's internal/gover: it wants a "go" in front.
	register("goversion.compare", func(p [2]string) (int, error) {
		return version.Compare("go"+p[0], "go"+p[1]), nil
	})
	register("goversion.is_valid", func(v string) (bool, error) { return version.IsValid("go" + v), nil })
	register("goversion.lang", func(v string) (string, error) { return version.Lang("go" + v), nil })

	register("info.parse", func(data raw) (any, error) {
		var info revInfo
		if err := json.Unmarshal([]byte(data), &info); err != nil {
			return nil, err
		}
		info.Time = info.Time.UTC().Truncate(time.Microsecond)
		return info, nil
	})
}
