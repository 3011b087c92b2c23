package main

import (
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"
)

type urlParts struct {
	Scheme, Host, Hostname, Port, Path, Query, Opaque string
	Login                                             *[2]string
}

func partsOf(u *url.URL) *urlParts {
	if u == nil {
		return nil
	}
	parts := &urlParts{u.Scheme, u.Host, u.Hostname(), u.Port(), u.Path, u.RawQuery, u.Opaque, nil}
	if u.User != nil {
		password, _ := u.User.Password()
		parts.Login = &[2]string{u.User.Username(), password}
	}
	return parts
}

func init() {
	// The go command reads URLs so; this module's go line would give it the older way.
	os.Setenv("GODEBUG", "urlstrictcolons=1")

	register("url.parse", func(text string) (*urlParts, error) {
		u, err := url.Parse(text)
		return partsOf(u), err
	})
	register("httpproxy.choose", func(a struct {
		HTTP, HTTPS, No string
		CGI             bool
		URL             string
	}) (*urlParts, error) {
		config := httpproxy.Config{HTTPProxy: a.HTTP, HTTPSProxy: a.HTTPS, NoProxy: a.No, CGI: a.CGI}
		target, err := url.Parse(a.URL)
		if err != nil {
			return nil, err
		}
		proxy, err := config.ProxyFunc()(target)
		return partsOf(proxy), err
	})
}
