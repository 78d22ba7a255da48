/** What is there but not seen: zero-width blanks and joiners, soft hyphens, marks of direction, fillers. */
export const invisible = /\p{Default_Ignorable_Code_Point}/gu;
