/** The rule for a person's own choice: who has set up a factor is asked for it. */
export const OWN_CHOICE = 'set up by the person'
/** The rule for an account that was imported without the second factor that it had. */
export const IMPORTED_WITHOUT_FACTOR = 'imported without its second factor'
/** A demand of the application's `require` that has no name of its own. */
export const REQUIRE = 'require'

/** The names of the rules that are always there. No rule of a configuration may have one of them. */
export const BUILT_IN_NAMES: readonly string[] = [OWN_CHOICE, IMPORTED_WITHOUT_FACTOR, REQUIRE]
