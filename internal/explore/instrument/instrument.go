// Package instrument is for tests: it has code use package sim, so that it can be explored.
package instrument

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"strconv"
	"strings"
)

// simPath is the path of package sim.
const simPath = "github.com/seed-7fcaac1b/protocaller/internal/explore/sim"

// stands says which name of package sim stands for what.
var stands = map[string]map[string]string{
	"sync":        {"Mutex": "Mutex", "Cond": "Cond", "Pool": "Pool"},
	"sync/atomic": {"Int32": "Int32", "Int64": "Int64", "Uint32": "Uint32", "Uint64": "Uint64", "Bool": "Bool", "Pointer": "Pointer"},
	"context": {
		"AfterFunc": "AfterEnd", "Cause": "Cause", "WithCancel": "WithCancel", "WithCancelCause": "WithCancelCause",
		"WithTimeout": "WithTimeout", "WithTimeoutCause": "WithTimeoutCause", "WithoutCancel": "WithoutCancel",
	},
	"time":    {"AfterFunc": "AfterFunc", "NewTimer": "NewTimer", "Timer": "Timer"},
	"runtime": {"AddCleanup": "AddCleanup", "Cleanup": "Cleanup", "Goexit": "Goexit", "Gosched": "Gosched"},
}

// Source returns the text of a file that uses package sim. It panics if the text cannot be
// parsed.
func Source(text string) string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
	if err != nil {
		panic(err)
	}
	r := &rewriter{names: make(map[string]string)}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		r.names[path[strings.LastIndex(path, "/")+1:]] = path
	}
	for _, decl := range file.Decls {
		r.decl(decl)
	}
	r.imports(file)
	var b bytes.Buffer
	if err := printer.Fprint(&b, fset, file); err != nil {
		panic(err)
	}
	return b.String()
}

type rewriter struct {
	names     map[string]string // paths of the imports
	recovered int
}

// imports adds package sim, and takes away the names of what is not used any more.
func (r *rewriter) imports(file *ast.File) {
	used := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if spec.Name == nil && !used[path[strings.LastIndex(path, "/")+1:]] {
			spec.Name = ast.NewIdent("_")
		}
	}
	if !used["sim"] {
		return
	}
	spec := &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(simPath)}}
	file.Decls = append([]ast.Decl{&ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{spec}}}, file.Decls...)
}

func (r *rewriter) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			r.exprs(d.Recv)
		}
		r.exprs(d.Type)
		if d.Body != nil {
			r.block(d.Body)
		}
	case *ast.GenDecl:
		r.exprs(d)
	}
}

func simName(name string) ast.Expr {
	return &ast.SelectorExpr{X: ast.NewIdent("sim"), Sel: ast.NewIdent(name)}
}

func simCall(name string, args ...ast.Expr) *ast.CallExpr {
	return &ast.CallExpr{Fun: simName(name), Args: args}
}

// exprs changes the expressions within a node that is no statement.
func (r *rewriter) exprs(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			r.exprs(n.Type)
			r.block(n.Body)
			return false
		case *ast.BlockStmt:
			r.block(n)
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				if name := stands[r.names[x.Name]][n.Sel.Name]; name != "" {
					n.X, n.Sel = ast.NewIdent("sim"), ast.NewIdent(name)
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "close" {
				n.Fun = simName("Close")
			}
			r.receive(n.Args)
		case *ast.ReturnStmt:
			r.receive(n.Results)
		}
		return true
	})
}

// receive changes those of some expressions that receive from a channel.
func (r *rewriter) receive(of []ast.Expr) {
	for i, x := range of {
		if u, ok := x.(*ast.UnaryExpr); ok && u.Op == token.ARROW {
			of[i] = simCall("Recv", u.X)
		}
	}
}

// block changes a block and the statements within.
func (r *rewriter) block(b *ast.BlockStmt) { b.List = r.list(b.List) }

func (r *rewriter) list(of []ast.Stmt) []ast.Stmt {
	var list []ast.Stmt
	for _, s := range of {
		if before := r.recover(s); before != nil {
			list = append(list, before...)
		}
		list = append(list, r.stmt(s))
	}
	return list
}

// stmt returns what stands for a statement.
func (r *rewriter) stmt(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.SelectStmt:
		return r.selects(s)
	case *ast.GoStmt:
		r.exprs(s.Call)
		body := &ast.BlockStmt{List: []ast.Stmt{&ast.ExprStmt{X: s.Call}}}
		return &ast.ExprStmt{X: simCall("Go", &ast.FuncLit{Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: body})}
	case *ast.SendStmt:
		r.exprs(s)
		return &ast.ExprStmt{X: simCall("Send", s.Chan, s.Value)}
	case *ast.ExprStmt:
		of := []ast.Expr{s.X}
		r.receive(of)
		s.X = of[0]
	case *ast.AssignStmt:
		if len(s.Lhs) == 1 {
			r.receive(s.Rhs)
		}
	case *ast.LabeledStmt:
		s.Stmt = r.stmt(s.Stmt)
		return s
	case *ast.BlockStmt:
		r.block(s)
		return s
	case *ast.CaseClause:
		for _, x := range s.List {
			r.exprs(x)
		}
		s.Body = r.list(s.Body)
		return s
	}
	r.exprs(s)
	return s
}

// selects returns what stands for a select statement: a switch over the number of the case,
// each of which begins with its communication.
func (r *rewriter) selects(s *ast.SelectStmt) ast.Stmt {
	args := []ast.Expr{ast.NewIdent("false")}
	body := &ast.BlockStmt{}
	for _, clause := range s.Body.List {
		c := clause.(*ast.CommClause)
		rest := r.list(c.Body)
		if c.Comm == nil {
			args[0] = ast.NewIdent("true")
			body.List = append(body.List, &ast.CaseClause{Body: rest})
			continue
		}
		var is ast.Expr
		switch comm := c.Comm.(type) {
		case *ast.SendStmt:
			is = simCall("OnSend", comm.Chan)
		case *ast.ExprStmt:
			is = simCall("OnRecv", comm.X.(*ast.UnaryExpr).X)
		case *ast.AssignStmt:
			is = simCall("OnRecv", comm.Rhs[0].(*ast.UnaryExpr).X)
		}
		number := &ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(len(args) - 1)}
		args = append(args, is)
		body.List = append(body.List, &ast.CaseClause{List: []ast.Expr{number}, Body: append([]ast.Stmt{c.Comm}, rest...)})
	}
	if args[0].(*ast.Ident).Name == "false" {
		never := &ast.CallExpr{Fun: ast.NewIdent("panic"), Args: []ast.Expr{&ast.BasicLit{Kind: token.STRING, Value: `"no case"`}}}
		body.List = append(body.List, &ast.CaseClause{Body: []ast.Stmt{&ast.ExprStmt{X: never}}}) // a select statement may end a function
	}
	return &ast.SwitchStmt{Tag: simCall("Select", args...), Body: body}
}

// recover takes the call of recover out of a statement. It returns what is to come before
// the statement, or nil: a goroutine that ends does not recover.
func (r *rewriter) recover(s ast.Stmt) []ast.Stmt {
	var at *ast.Expr
	find := func(of []ast.Expr) {
		for i, x := range of {
			if call, ok := x.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "recover" {
					at = &of[i]
				}
			}
		}
	}
	switch s := s.(type) {
	case *ast.AssignStmt:
		find(s.Rhs)
	case *ast.IfStmt:
		if init, ok := s.Init.(*ast.AssignStmt); ok {
			find(init.Rhs)
		}
	}
	if at == nil {
		return nil
	}
	r.recovered++
	name := "recovered" + strconv.Itoa(r.recovered)
	call := *at
	*at = ast.NewIdent(name)
	return []ast.Stmt{
		&ast.DeclStmt{Decl: &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{
			&ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent(name)}, Type: ast.NewIdent("any")},
		}}},
		&ast.IfStmt{
			Cond: simCall("Recovers"),
			Body: &ast.BlockStmt{List: []ast.Stmt{&ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent(name)}, Tok: token.ASSIGN, Rhs: []ast.Expr{call}}}},
		},
	}
}
