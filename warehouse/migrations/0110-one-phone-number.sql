-- 0061 and 0076 were edited after version 0.2.0 was released, and are again what they were then. Whichever of the two a warehouse was made
-- with, from here on it has this one: the form of a phone number that 0076 has, with the words that say why.
create or replace function canonical.phone_number(written text, country text) returns text
language sql immutable parallel safe as $$
    select case
        -- Nearly all, by a pattern that costs little.
        when written ~ '^\+[1-9][0-9]*$' and length(written) between 8 and 16 and left(written, 4) not in ('+610', '+521') then written
        -- The trunk zero of a number that is written for both sides of a border.
        when written ~ '^\+?610[2-478][0-9]{8}$' then '+61' || right(written, 9)
        -- Mexican numbers carry a 1 that is not dialled.
        when written ~ '^\+521[0-9]{10}$' then '+52' || right(written, 10)
        when written ~ '^\+[1-9][0-9]{6,14}$' then written
        when written ~ '^61[2-478][0-9]{8}$' then '+' || written
        -- National spellings, as somebody in the country of our number would dial them; 13, 1300 and 1800 are numbers of businesses.
        when country = 'AU' and written ~ '^0[2-478][0-9]{8}$' then '+61' || right(written, 9)
        when country = 'AU' and written ~ '^(1300[0-9]{6}|1800[0-9]{6}|13[1-9][0-9]{3})$' then '+61' || written
    end
$$;
