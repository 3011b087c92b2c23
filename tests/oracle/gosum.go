package main

import "golang.org/x/mod/module"

func init() {
	register("module.sort", func(list []module.Version) ([]module.Version, error) {
		module.Sort(list)
		return list, nil
	})
}
