-- What a group of synonyms is: the set of its folded words, in whatever order they are kept.
create function word_set(words text[]) returns text[] language sql immutable strict parallel safe as $$
  select array_agg(distinct word collate "C" order by word collate "C") from unnest(words) as word
$$;
--> statement-breakpoint
-- Several programs that migrated at once have loaded the built-in groups twice: the oldest of each stays.
delete from synonyms as later using synonyms as first
  where word_set(later.folded) = word_set(first.folded)
    and (first.created_at, first.id) < (later.created_at, later.id);
--> statement-breakpoint
-- By hash: twenty words are more than an entry of a B-tree holds.
alter table synonyms add constraint synonyms_words exclude using hash (word_set(folded) with =);
