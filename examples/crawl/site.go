package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	sitePages = 300
	siteDelay = 20 * time.Millisecond // of each answer, so that there is something to see
)

// site is a web site on this machine. Its pages are the nodes of a tree. They
// also have links to their parents, and a broken one here and there.
type site struct {
	*http.Server
	url *url.URL
}

// serveSite serves a site until it is closed.
func serveSite() (*site, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/page/0", http.StatusFound) })
	pages.HandleFunc("GET /page/{number}", servePage)
	s := &site{
		&http.Server{Handler: pages, ReadHeaderTimeout: time.Minute},
		&url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/"},
	}
	go func() { _ = s.Serve(listener) }() // returns when it is closed
	return s, nil
}

func servePage(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscan(r.PathValue("number"), &n); err != nil || n < 0 || n >= sitePages {
		http.NotFound(w, r)
		return
	}
	time.Sleep(siteDelay)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<title>Page %d</title>\n<a href=%q>up</a>\n", n, fmt.Sprintf("/page/%d#here", (n-1)/2))
	for _, child := range []int{2*n + 1, 2*n + 2} {
		if child < sitePages || child%100 == 0 {
			fmt.Fprintf(w, "<a href='%d'>down</a>\n", child)
		}
	}
}
