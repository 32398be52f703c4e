-- What makes a text searchable. The same two functions read what was written and what is searched for, so they cannot disagree; everything
-- in them is said by code points, so that no locale of a server changes what is found. plpgsql, so that the everyday text ends at the
-- first questions; a pattern that matches at every blank would cost five times as much as one that passes over single ones.
do $do$
declare
    -- Between words, beyond ASCII: punctuation, symbols, private use.
    separators constant text := '\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u02b9-\u02ff\u037e\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6'
        '\u05f3\u05f4\u0600-\u060f\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u2000-\u200a\u2010-\u2029\u202f-\u205f\u2070-\u22ff\u2400-\u25ff\u27c0-\u2aff\u2e00-\u2e7f'
        '\u3000-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ue000-\uf8ff\ufd3e\ufd3f\ufe10-\ufe6f\ufff0-\uffff';
    -- Written without blanks between words, or a sign for itself: Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean, emoji.
    unspaced constant text := '\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u3005-\u3007\u3021-\u302f\u3031-\u303c\u303e-\u309f\u30a1-\u30fa'
        '\u30fc-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0001f3fa\U0001f400-\U0001faff\U00020000-\U0003ffff';
    -- Accents, vowel points, what joins or turns what stands beside it, the colour of a skin.
    marks constant text := '\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f'
        '\ufeff\U0001f3fb-\U0001f3ff';
    -- Of what the server has, whichever lowers letters of every script.
    lowering constant text := coalesce((
        select format(' collate %I', collname) from pg_collation
        where collname in ('pg_c_utf8', 'und-x-icu') and collnamespace = 'pg_catalog'::regnamespace
        order by collname limit 1
    ), '');
begin
    -- ' the words of a text ': case and accents folded, one blank between words and at both ends, so that a phrase is a part of it.
    -- A number keeps its point and loses the commas between thousands.
    execute replace(replace(replace(replace($body$
        create function canonical.search_text(raw text) returns text
        language plpgsql immutable parallel safe as $function$
        declare
            -- The signs that stand for a point and for a boundary meanwhile.
            folded text := replace(raw, chr(1), ' ');
        begin
            if octet_length(folded) = length(folded) then
                folded := lower(folded);
                if folded ~ '[0-9][.,][0-9]' then
                    folded := regexp_replace(folded, '([0-9]),(?=[0-9]{3}(?![0-9]))', '\1', 'g');
                    folded := regexp_replace(folded, '([0-9])[.](?=[0-9])', '\1' || chr(1), 'g');
                end if;
                folded := regexp_replace(folded, '[\u0003-\u001f!-/:-@\[-`{-\u007f][\u0003-/:-@\[-`{-\u007f]*| [\u0003-/:-@\[-`{-\u007f]+', ' ', 'g');
            else
                if folded ~ '[\u00aa\u00b5\u00ba\u00c0-\u07ff\u1e00-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufeff\U0001f3fb-\U0001f3ff]' or folded is not nfkc normalized then
                    folded := regexp_replace(normalize(folded, nfkd), '[{marks}]+', '', 'g');
                    if folded is not nfc normalized then
                        folded := normalize(folded, nfc);
                    end if;
                end if;
                folded := lower(folded{lowering});
                if folded ~ '[ßæœøłđðıþħς]' then
                    folded := translate(replace(replace(replace(replace(folded, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'øłđðıħς', 'olddihσ');
                end if;
                if folded ~ '[0-9][.,][0-9]' then
                    folded := regexp_replace(folded, '([0-9]),(?=[0-9]{3}(?![0-9]))', '\1', 'g');
                    folded := regexp_replace(folded, '([0-9])[.](?=[0-9])', '\1' || chr(1), 'g');
                end if;
                if folded ~ '[{unspaced}]' then
                    folded := regexp_replace(folded, '([{unspaced}]+)', ' \1 ', 'g');
                end if;
                folded := regexp_replace(
                    folded,
                    '[\u0003-\u001f!-/:-@\[-`{-\u007f{separators}][\u0003-/:-@\[-`{-\u007f{separators}]*| [\u0003-/:-@\[-`{-\u007f{separators}]+',
                    ' ', 'g'
                );
            end if;
            return ' ' || btrim(replace(folded, chr(1), '.')) || ' ';
        end $function$
    $body$, '{marks}', marks), '{separators}', separators), '{unspaced}', unspaced), '{lowering}', lowering);

    -- What is looked up in the index: each word, to its 500th letter; of a run without blanks each pair of neighbours, and its last sign; a
    -- telephone number of Australia in its national form, however it was spelled.
    execute replace($body$
        create function canonical.search_words(folded text) returns text[]
        language plpgsql immutable parallel safe as $function$
        declare
            words text[] := string_to_array(btrim(folded), ' ', '');
        begin
            if octet_length(folded) <> length(folded) and folded ~ '[{unspaced}]' then
                words := array(select word from unnest(words) as word where word !~ '[{unspaced}]') || array(
                    select pairs.pair
                    from regexp_matches(folded, '[{unspaced}]+', 'g') as runs (run)
                    cross join lateral (
                        select sign || coalesce(lead(sign) over (order by position), '') as pair
                        from unnest(string_to_array(run[1], null)) with ordinality as signs (sign, position)
                    ) as pairs
                );
            end if;
            if length(folded) > 500 and exists (select from unnest(words) as word where length(word) > 500) then
                words := array(select left(word, 500) from unnest(words) as word);
            end if;
            if folded ~ ' (0|61 ?0?)[23478]?[0-9 ]' then
                words := words || array(
                    select '0' || replace(numbers.digits[1], ' ', '')
                    from regexp_matches(folded, ' (?:0|61 ?0? ?)([23478](?: ?[0-9]){8})(?= )', 'g') as numbers (digits)
                );
            end if;
            -- A subject ends, a text begins: no word.
            return array_remove(array_remove(words, chr(2)), null);
        end $function$
    $body$, '{unspaced}', unspaced);

    -- Whether a word of a folded text is a run without blanks.
    execute replace($body$
        create function canonical.search_is_unspaced(word text) returns boolean
        language sql immutable parallel safe as $function$
            select octet_length(word) <> length(word) and word ~ '[{unspaced}]'
        $function$
    $body$, '{unspaced}', unspaced);
end $do$;

-- How many messages the planner expects to match, how many to lie between two positions, and how many there are. What chooses a way by
-- estimates asks here and nowhere else.
create function canonical.search_estimate(query tsquery, since text, before text, out matching bigint, out within bigint, out altogether bigint)
language plpgsql volatile set enable_seqscan = off as $$
declare
    plan json;
begin
    execute 'explain (format json) select from canonical.search_documents where words @@ $1' into plan using query;
    matching := (plan #>> '{0,Plan,Plan Rows}')::bigint;
    execute 'explain (format json) select from canonical.search_documents where sort_key >= $1 and sort_key < $2' into plan using since, before;
    within := (plan #>> '{0,Plan,Plan Rows}')::bigint;
    execute 'explain (format json) select from canonical.search_documents' into plan;
    altogether := (plan #>> '{0,Plan,Plan Rows}')::bigint;
end $$;
