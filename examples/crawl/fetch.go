package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A site may send what it likes. These are the bounds of what is kept of a page.
const (
	longestPage = 1 << 20 // bytes that are read
	longestTag  = 1 << 18 // bytes; a page ends before a tag, or a text, that is longer
	longestText = 2000    // bytes of a URL, a title or an error
	mostLinks   = 1000
)

var errLongURL = errors.New("it is at a URL that is too long")

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
			p.err = shorten(err.Error())
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
	base := response.Request.URL
	if len(base.String()) > longestText {
		return errLongURL
	}
	return p.read(io.LimitReader(response.Body, longestPage), base)
}

// read finds the title and the links of a page.
func (p *page) read(body io.Reader, base *url.URL) error {
	tokens := html.NewTokenizer(body)
	tokens.SetMaxBuf(longestTag)
	links := make(map[string]bool)
	defer func() { p.links = slices.Sorted(maps.Keys(links)) }()
	for len(links) < mostLinks {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); err != io.EOF && err != html.ErrBufferExceeded { //nolint:errorlint // It is documented to be that.
				return err
			}
			return nil
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := tokens.TagName()
			switch atom.Lookup(name) {
			case atom.Title:
				if tokens.Next() == html.TextToken && p.title == "" {
					p.title = shorten(strings.TrimSpace(tokens.Token().Data))
				}
			case atom.A:
				if link, ok := resolve(base, href(tokens)); ok {
					links[link] = true
				}
			}
		}
	}
	return nil
}

// href returns that attribute of the tag that the tokenizer is at, or "".
func href(tokens *html.Tokenizer) string {
	for more := true; more; {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		if string(key) == "href" {
			return string(value)
		}
	}
	return ""
}

// resolve returns the URL of the page that a link leads to.
func resolve(base *url.URL, reference string) (link string, ok bool) {
	if reference == "" || len(reference) > longestText {
		return "", false
	}
	u, err := base.Parse(reference)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	u.Fragment = ""
	link = u.String()
	return link, len(link) <= longestText
}

// shorten returns the beginning of a long text, in memory of its own.
func shorten(text string) string {
	return strings.ToValidUTF8(strings.Clone(text[:min(len(text), longestText)]), "")
}
