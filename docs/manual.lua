-- Makes a manual page of a document of docs/, for pandoc: the title becomes the section NAME, headings move one level
-- up, links to other documents become references to their pages, tables become lists.
local text = require("text")

local pages = {
  ["commands.md"] = "memtrack(1)",
  ["moving-data.md"] = "memtrack(1)",
  ["operations.md"] = "memtrackd(8)",
  ["sweeps.md"] = "memtrack-sweep(5)",
  ["sql.md"] = "memtrack-sql(5)",
  ["metrics.md"] = "memtrack-sql(5)",
}

local function link(element)
  local document = element.target:match("([%w-]+%.md)")
  if document == nil then
    return nil
  end
  return pages[document] and pandoc.Strong(pages[document]) or element.content
end

local function heading(element)
  element.level = math.max(element.level - 1, 1)
  if element.level == 1 then
    return element:walk({ Str = function(word) return pandoc.Str(text.upper(word.text)) end })
  end
  return element
end

-- A page is too narrow for most tables: each row becomes an entry, its first cell the term.
local function entries(element)
  local simple = pandoc.utils.to_simple_table(element)
  local items = pandoc.List()
  for _, row in ipairs(simple.rows) do
    local cells = pandoc.List()
    for column = 2, #row do
      local cell = pandoc.utils.blocks_to_inlines(row[column])
      if #cell > 0 then
        local title = pandoc.utils.blocks_to_inlines(simple.headers[column])
        local named = #row > 2 and title .. { pandoc.Str(":"), pandoc.Space() } .. cell or cell
        cells:insert(pandoc.Plain(named))
      end
    end
    items:insert({ pandoc.utils.blocks_to_inlines(row[1]), { cells:map(function(cell) return pandoc.Para(cell.content) end) } })
  end
  return pandoc.DefinitionList(items)
end

function Pandoc(document)
  local blocks = document.blocks
  if blocks[1].t == "Header" and blocks[1].level == 1 then
    blocks:remove(1)
  end
  local body = pandoc.Pandoc(blocks):walk({ Link = link, Header = heading, Table = entries }).blocks
  local name = pandoc.utils.stringify(document.meta.title):lower()
  local head = pandoc.List({
    pandoc.Header(1, "NAME"),
    pandoc.Para({ pandoc.Str(name), pandoc.Space(), pandoc.Str("-"), pandoc.Space(),
                  pandoc.Str(pandoc.utils.stringify(document.meta.summary)) }),
    pandoc.Header(1, "DESCRIPTION"),
  })
  return pandoc.Pandoc(head .. body, document.meta)
end
