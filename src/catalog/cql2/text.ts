import { checkLiterals } from "./check.ts";
import type { CompareOp, Expression, Operand } from "./expression.ts";
import { Budget, isName, isStorable, MAX_TEXT, refusedText, UNNAMED, UNSTORABLE } from "./limits.ts";
import { asExpression, asOperand, type Node, type Place } from "./node.ts";
import { COMPARE_OPS, functionOf } from "./operators.ts";
import { TextReader } from "./text-reader.ts";
import { isValueWord, parseValue } from "./text-values.ts";

/** Words that begin or join; a property of such a name is written in double quotes. */
const RESERVED = new Set(["and", "or", "not", "like", "between", "in", "is", "null", "div"]);
const FUNCTIONS = ["S_INTERSECTS and other s_ functions", "T_INTERSECTS ...", "A_CONTAINS ...", "CASEI", "ACCENTI"];

/** Reads text-encoded CQL2 (OGC 21-065r2, 10 and annex B). Throws BadRequest that names the character. */
export function parseText(text: string): Expression {
  if (text.length > MAX_TEXT) throw refusedText(MAX_TEXT, `longer than ${MAX_TEXT} characters`);
  const reader = new TextReader(text);
  const parser = new Parser(reader);
  const expression = parser.expression(0);
  if (reader.peek().kind !== "end")
    throw reader.refuse(["AND", "OR", "end of the filter", "a comparison", "an arithmetic operator"]);
  return expression;
}

/**
 * By precedence: OR, AND, NOT, comparisons, sums, products, powers, operands. What stands in parentheses is only known
 * at their end, so every level passes nodes that may be expression or operand, and none is ever read twice.
 */
class Parser {
  readonly #reader: TextReader;
  readonly #budget: Budget;

  constructor(reader: TextReader) {
    this.#reader = reader;
    this.#budget = new Budget((reason) => refusedText(reader.peek().at, reason));
  }

  expression(depth: number): Expression {
    const place = this.#place();
    return asExpression(this.#or(depth), place);
  }

  #place(): Place {
    const { at } = this.#reader.peek();
    return (reason, allowed) => refusedText(at, reason, allowed);
  }

  #or(depth: number): Node {
    return this.#joined("or", () => this.#and(depth));
  }

  #and(depth: number): Node {
    return this.#joined("and", () => this.#not(depth));
  }

  #joined(kind: "and" | "or", part: () => Node): Node {
    const place = this.#place();
    const first = part();
    if (!this.#reader.isWord(kind)) return first;
    const of = [asExpression(first, place)];
    while (this.#reader.takeWord(kind)) {
      const here = this.#place();
      of.push(asExpression(part(), here));
    }
    return { expression: { kind, of } };
  }

  #not(depth: number): Node {
    this.#budget.node(depth);
    if (!this.#reader.takeWord("not")) return this.#predicate(depth);
    const place = this.#place();
    return { expression: { kind: "not", of: asExpression(this.#not(depth + 1), place) } };
  }

  #predicate(depth: number): Node {
    const left = this.#sum(depth);
    const symbol = this.#reader.peek();
    const op = symbol.kind === "symbol" ? COMPARE_OPS.find((known) => known === symbol.text) : undefined;
    if (op !== undefined) return this.#comparison(op, asOperand(left), depth);
    if (this.#reader.takeWord("is")) {
      const isNegated = this.#reader.takeWord("not");
      this.#reader.expectWord("null");
      return negate({ kind: "isNull", value: asOperand(left) }, isNegated);
    }
    const isNegated = this.#reader.takeWord("not");
    if (this.#reader.takeWord("like")) return negate(this.#like(asOperand(left), depth), isNegated);
    if (this.#reader.takeWord("between")) return negate(this.#between(asOperand(left), depth), isNegated);
    if (this.#reader.takeWord("in")) return negate(this.#in(asOperand(left), depth), isNegated);
    if (isNegated) throw this.#reader.refuse(["LIKE", "BETWEEN", "IN"]);
    return left;
  }

  #comparison(op: CompareOp, left: Operand, depth: number): Node {
    this.#reader.take();
    const place = this.#place();
    return { expression: checkLiterals({ kind: "compare", op, left, right: this.#operand(depth) }, place) };
  }

  #like(value: Operand, depth: number): Expression {
    const place = this.#place();
    return checkLiterals({ kind: "like", value, pattern: this.#operand(depth) }, place);
  }

  #between(value: Operand, depth: number): Expression {
    const low = this.#operand(depth);
    this.#reader.expectWord("and");
    const place = this.#place();
    return checkLiterals({ kind: "between", value, low, high: this.#operand(depth) }, place);
  }

  #in(value: Operand, depth: number): Expression {
    const place = this.#place();
    this.#reader.expectSymbol("(");
    const list = this.#list(depth);
    return checkLiterals({ kind: "in", value, list }, place);
  }

  /** Operands up to the closing parenthesis, which is taken. */
  #list(depth: number): Operand[] {
    const list = [this.#operand(depth + 1)];
    while (this.#reader.takeSymbol(",")) list.push(this.#operand(depth + 1));
    this.#reader.expectSymbol(")");
    return list;
  }

  #operand(depth: number): Operand {
    return asOperand(this.#sum(depth));
  }

  #sum(depth: number): Node {
    return this.#chain(["+", "-"], depth, () => this.#product(depth));
  }

  #product(depth: number): Node {
    return this.#chain(["*", "/", "%", "div"], depth, () => this.#power(depth));
  }

  /** Operators of one rank, the left ones first; each makes the tree a level deeper. */
  #chain(ops: readonly ("+" | "-" | "*" | "/" | "%" | "div")[], depth: number, part: () => Node): Node {
    let left = part();
    for (let level = depth; ; ) {
      const token = this.#reader.peek();
      const op = ops.find((known) =>
        token.kind === "symbol" ? known === token.text : token.kind === "name" && known === token.text.toLowerCase(),
      );
      if (op === undefined) return left;
      this.#reader.take();
      this.#budget.node(++level);
      left = { operand: { kind: "arithmetic", op, left: asOperand(left), right: asOperand(part()) } };
    }
  }

  #power(depth: number): Node {
    const base = this.#signed(depth);
    if (!this.#reader.takeSymbol("^")) return base;
    this.#budget.node(depth);
    const exponent = asOperand(this.#signed(depth + 1));
    return { operand: { kind: "arithmetic", op: "^", left: asOperand(base), right: exponent } };
  }

  #signed(depth: number): Node {
    this.#budget.node(depth);
    if (!this.#reader.takeSymbol("-")) {
      this.#reader.takeSymbol("+");
      return this.#primary(depth);
    }
    const operand = asOperand(this.#primary(depth + 1));
    if (operand.kind === "literal" && typeof operand.value === "number")
      return { operand: { kind: "literal", value: -operand.value } };
    return { operand: { kind: "arithmetic", op: "*", left: { kind: "literal", value: -1 }, right: operand } };
  }

  #primary(depth: number): Node {
    const token = this.#reader.peek();
    switch (token.kind) {
      case "number":
        this.#reader.take();
        return { operand: { kind: "literal", value: token.value } };
      case "string":
        this.#reader.take();
        if (!isStorable(token.text)) throw refusedText(token.at, UNSTORABLE);
        return { operand: { kind: "literal", value: token.text } };
      case "quoted":
        this.#reader.take();
        if (!isName(token.text)) throw refusedText(token.at, UNNAMED);
        return { operand: { kind: "property", name: token.text } };
      case "name":
        return this.#word(token.text, depth);
      case "symbol":
        if (token.text === "(") return this.#parenthesis(depth + 1);
        break;
    }
    throw this.#reader.refuse(["a property", "a number", "'text'", "TRUE", "FALSE", "(", "a function"]);
  }

  #parenthesis(depth: number): Node {
    this.#reader.take();
    this.#budget.node(depth);
    if (this.#reader.takeSymbol(")")) return { operand: { kind: "array", items: [] } };
    const first = this.#or(depth);
    if (this.#reader.takeSymbol(")")) return first;
    if (!this.#reader.takeSymbol(",")) throw this.#reader.refuse([")", ","]);
    return { operand: { kind: "array", items: [asOperand(first), ...this.#list(depth)] } };
  }

  #word(word: string, depth: number): Node {
    const lower = word.toLowerCase();
    if (lower === "true" || lower === "false") {
      this.#reader.take();
      return { operand: { kind: "literal", value: lower === "true" } };
    }
    if (RESERVED.has(lower)) throw this.#reader.refuse(["a property (in double quotes, if it has this name)"]);
    if (isValueWord(this.#reader, word)) return { operand: parseValue(this.#reader, this.#budget, depth) };
    if (!this.#reader.isCall()) {
      if (!isName(word)) throw refusedText(this.#reader.peek().at, UNNAMED);
      this.#reader.take();
      return { operand: { kind: "property", name: word } };
    }
    return this.#call(lower, depth + 1);
  }

  #call(name: string, depth: number): Node {
    const place = this.#place();
    const family = functionOf(name);
    if (family === undefined && name !== "casei" && name !== "accenti")
      throw place(`there is no function ${name.slice(0, 60)}`, FUNCTIONS);
    this.#reader.take();
    this.#reader.expectSymbol("(");
    this.#budget.node(depth);
    const left = this.#operand(depth);
    if (family === undefined) {
      this.#reader.expectSymbol(")");
      return { operand: { kind: name as "casei" | "accenti", operand: left } };
    }
    this.#reader.expectSymbol(",");
    const right = this.#operand(depth);
    this.#reader.expectSymbol(")");
    if (family.kind !== "array") return { expression: checkLiterals({ ...family, left, right }, place) };
    return { expression: checkLiterals({ ...family, left: asArray(left), right: asArray(right) }, place) };
  }
}

/** An array of one looks like a value in parentheses. */
function asArray(operand: Operand): Operand {
  return operand.kind === "array" || operand.kind === "property" ? operand : { kind: "array", items: [operand] };
}

function negate(expression: Expression, isNegated: boolean): Node {
  return { expression: isNegated ? { kind: "not", of: expression } : expression };
}
