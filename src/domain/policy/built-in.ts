/** The rule for a person's own choice: who has set up a factor is asked for it. */
export const OWN_CHOICE = 'set up by the person'
/** The rule for an account that was imported without the second factor that it had. */
export const IMPORTED_WITHOUT_FACTOR = 'imported without its second factor'
/** A demand of the application's `require` that has no name of its own. */
export const REQUIRE = 'require'
/** The rule for the pages where people manage their account. */
export const ACCOUNT_PAGES = 'account pages'

/** The names of the rules that are always there. No rule of a configuration may have one of them. */
const BUILT_IN_NAMES: readonly string[] = [
  OWN_CHOICE,
  IMPORTED_WITHOUT_FACTOR,
  REQUIRE,
  ACCOUNT_PAGES,
]

const LONGEST_NAME = 100

/** The fault of a value as the name of a rule or demand, in words. Undefined: it can be the name. */
export function faultOfName(name: unknown): string | undefined {
  if (!isName(name)) return `name must be 1 to ${LONGEST_NAME} characters`
  if (BUILT_IN_NAMES.includes(name.trim()))
    return 'name is that of a built-in rule; give the rule another name'
  return undefined
}

/** Whether a value is a text of the length of a name. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && [...value].length <= LONGEST_NAME
}
