/**
 * The types of the values that a rule gives, read out of its pattern: `'/posts/<int:id>/<slug>'` gives `{ id: number; slug: string }`.
 */

/** What the converters give, by name. `any` is not here: it gives the words that it lists. */
export interface ConverterTypes {
  default: string
  string: string
  path: string
  uuid: string
  int: number
  float: number
}

/** The values of a pattern; `Own` are the types of converters of your own, by name. Of a text that is not known any. */
export type RuleValues<Pattern extends string, Own = unknown> = string extends Pattern
  ? Record<string, unknown>
  : Flat<Variables<Pattern, Own>>

/** One object type of an intersection of several, so that errors and editors show what is in it. */
export type Flat<Type> = { [Key in keyof Type]: Type[Key] }

type Variables<Pattern extends string, Own> = Pattern extends `${string}<${infer Variable}>${infer Rest}`
  ? VariableOf<Variable, Own> & Variables<Rest, Own>
  : unknown

type VariableOf<Text extends string, Own> = Text extends `${infer Converter}(${infer Rest}`
  ? Rest extends `${infer Arguments}):${infer Name}`
    ? Record<Name, ValueOf<Converter, Arguments, Own>>
    : unknown
  : Text extends `${infer Converter}:${infer Name}`
    ? Record<Name, ValueOf<Converter, '', Own>>
    : Record<Text, ValueOf<'default', '', Own>>

type ValueOf<Converter extends string, Arguments extends string, Own> = Converter extends keyof Own
  ? Own[Converter]
  : Converter extends keyof ConverterTypes
    ? ConverterTypes[Converter]
    : Converter extends 'any'
      ? Words<Arguments>
      : unknown

type Words<List extends string> = List extends `${infer Word},${infer Rest}`
  ? Unquoted<Trim<Word>> | Words<Rest>
  : Unquoted<Trim<List>>

type Trim<Text extends string> = Text extends ` ${infer Rest}` ? Trim<Rest> : Text extends `${infer Rest} ` ? Trim<Rest> : Text

type Unquoted<Text extends string> = Text extends `"${infer Inner}"` ? Inner : Text extends `'${infer Inner}'` ? Inner : Text
