package main

import "golang.org/x/mod/modfile"

// modText is a go.mod file and how to read it.
type modText struct {
	Text   raw
	Strict bool
}

type dict = map[string]any

func init() {
	register("modfile.parse", func(asked modText) (dict, error) {
		read := modfile.ParseLax
		if asked.Strict {
			read = modfile.Parse
		}
		file, err := read("go.mod", []byte(asked.Text), nil)
		if err != nil {
			return nil, err
		}
		return described(file), nil
	})
	register("modfile.module_path", func(text raw) (raw, error) { return raw(modfile.ModulePath([]byte(text))), nil })
}

func described(file *modfile.File) dict {
	said := dict{"module": "", "deprecated": "", "go": "", "toolchain": ""}
	if file.Module != nil {
		said["module"] = raw(file.Module.Mod.Path)
		said["deprecated"] = raw(file.Module.Deprecated)
	}
	if file.Go != nil {
		said["go"] = file.Go.Version
	}
	if file.Toolchain != nil {
		said["toolchain"] = raw(file.Toolchain.Name)
	}
	said["godebug"] = each(file.Godebug, func(g *modfile.Godebug) any { return texts(g.Key, g.Value) })
	said["require"] = each(file.Require, func(r *modfile.Require) any {
		return []any{raw(r.Mod.Path), raw(r.Mod.Version), r.Indirect}
	})
	said["exclude"] = each(file.Exclude, func(e *modfile.Exclude) any { return texts(e.Mod.Path, e.Mod.Version) })
	said["replace"] = each(file.Replace, func(r *modfile.Replace) any {
		return texts(r.Old.Path, r.Old.Version, r.New.Path, r.New.Version)
	})
	said["retract"] = each(file.Retract, func(r *modfile.Retract) any { return texts(r.Low, r.High, r.Rationale) })
	said["tool"] = each(file.Tool, func(t *modfile.Tool) any { return raw(t.Path) })
	said["ignore"] = each(file.Ignore, func(i *modfile.Ignore) any { return raw(i.Path) })
	return said
}

func texts(list ...string) any { return each(list, func(s string) any { return raw(s) }) }

func each[T any](list []T, describe func(T) any) []any {
	all := []any{}
	for _, item := range list {
		all = append(all, describe(item))
	}
	return all
}
