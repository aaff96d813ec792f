package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// longestPage is how much of a page is read, in bytes.
const longestPage = 1 << 20

// page is what came of a fetch.
type page struct {
	url    string
	status int    // of HTTP; 0 if there was no answer
	err    string // why not
	title  string
	links  []string // each once
}

// fetcher returns a function for a worker that fetches a page. That a page is
// not to be had is a result; only the end of ctx is an error, for which the
// page is none that was done.
func fetcher(client *http.Client, address string) func(context.Context) (page, error) {
	return func(ctx context.Context) (page, error) {
		p := page{url: address}
		if err := p.fetch(ctx, client); err != nil {
			p.err = err.Error()
		}
		return p, context.Cause(ctx)
	}
}

func (p *page) fetch(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	p.status = response.StatusCode
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return nil
	}
	return p.read(io.LimitReader(response.Body, longestPage), response.Request.URL)
}

// read finds the title and the links of a page.
func (p *page) read(body io.Reader, base *url.URL) error {
	tokens := html.NewTokenizer(body)
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			slices.Sort(p.links)
			p.links = slices.Compact(p.links)
			if err := tokens.Err(); err != io.EOF { //nolint:errorlint // It is documented to be that.
				return err
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			switch token := tokens.Token(); token.DataAtom {
			case atom.Title:
				if tokens.Next() == html.TextToken && p.title == "" {
					p.title = strings.TrimSpace(tokens.Token().Data)
				}
			case atom.A:
				p.addLink(token.Attr, base)
			}
		}
	}
}

func (p *page) addLink(attributes []html.Attribute, base *url.URL) {
	for _, a := range attributes {
		if a.Key != "href" {
			continue
		}
		if u, err := base.Parse(a.Val); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
			u.Fragment = ""
			p.links = append(p.links, u.String())
		}
	}
}
