package mutate

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
)

// change numbers the statements and the conditions of a file. It changes those for which
// number does not return 0: the program with that number does without them, or negates them.
func (s Subject) change(file *ast.File, number func(at int, node ast.Node, what string) int) {
	c := &changer{number: number}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil && !slices.Contains(s.Skips, nameOf(f)) {
			c.block(f.Body.List)
		}
	}
}

// nameOf returns the name of a function, with that of its receiver's type.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	if i, ok := of.(*ast.IndexExpr); ok {
		of = i.X
	}
	return of.(*ast.Ident).Name + "." + f.Name.Name
}

type changer struct {
	at     int
	number func(at int, node ast.Node, what string) int
}

func (c *changer) next(node ast.Node, what string) int {
	c.at++
	return c.number(c.at, node, what)
}

func isMutant(n int) ast.Expr {
	return &ast.CallExpr{Fun: ast.NewIdent("mutated"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(n)}}}
}

func (c *changer) negate(x ast.Expr) ast.Expr {
	if n := c.next(x, "negate"); n != 0 {
		return &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.NEQ, Y: isMutant(n)}
	}
	return x
}

func (c *changer) block(list []ast.Stmt) {
	for i, s := range list {
		n := 0
		switch s := s.(type) {
		case *ast.DeclStmt: // what is declared is used
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				n = c.next(s, "delete")
			}
		default:
			n = c.next(s, "delete")
		}
		c.inside(s)
		if n != 0 {
			list[i] = &ast.IfStmt{
				Cond: &ast.UnaryExpr{Op: token.NOT, X: isMutant(n)},
				Body: &ast.BlockStmt{List: []ast.Stmt{s}},
			}
		}
	}
}

// inside changes what is in a statement.
func (c *changer) inside(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.IfStmt:
		s.Cond = c.negate(s.Cond)
		c.block(s.Body.List)
		if s.Else != nil {
			c.inside(s.Else)
		}
	case *ast.BlockStmt:
		c.block(s.List)
	case *ast.ForStmt:
		if s.Cond != nil {
			s.Cond = c.negate(s.Cond)
		}
		c.block(s.Body.List)
		s.Body.List = append([]ast.Stmt{tickStmt()}, s.Body.List...)
	case *ast.RangeStmt:
		c.block(s.Body.List)
	case *ast.SwitchStmt:
		for _, clause := range s.Body.List {
			clause := clause.(*ast.CaseClause)
			if s.Tag == nil {
				for i := range clause.List {
					clause.List[i] = c.negate(clause.List[i])
				}
			}
			c.block(clause.Body)
		}
	case *ast.TypeSwitchStmt:
		for _, clause := range s.Body.List {
			c.block(clause.(*ast.CaseClause).Body)
		}
	case *ast.ReturnStmt:
		for i, x := range s.Results {
			if isCondition(x) {
				s.Results[i] = c.negate(x)
			}
		}
	}
}

func tickStmt() ast.Stmt {
	return &ast.ExprStmt{X: &ast.CallExpr{Fun: ast.NewIdent("mutantTick")}}
}

// isCondition reports whether an expression looks like one.
func isCondition(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return true
		}
	case *ast.UnaryExpr:
		return x.Op == token.NOT
	}
	return false
}
